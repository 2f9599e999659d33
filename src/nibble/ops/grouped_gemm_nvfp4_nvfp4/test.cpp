#include "nibble/base/chosen.h"
#include "nibble/harness/grouped_checks.h"
#include "nibble/harness/verify.h"
#include "nibble/ops/gemm_nvfp4_nvfp4/gemm_nvfp4_nvfp4.h"
#include "nibble/ops/grouped_gemm_nvfp4_nvfp4/cases.h"

using namespace nibble;
using namespace nibble::grouped_gemm_nvfp4_nvfp4;

int main() {
  using Fills = Fp4GroupedCases<Args, Nvfp4CaseScales, kLayout>;
  using Cases = GroupedCases<Args, Fills, kLayout>;
  Args some{.groups = 3, .m = 60, .n = 35, .k = 592, .ldx = 594, .ldy = 36};
  some.w_stride = kLayout.bytes(some.n, some.k) + 64;
  using One = gemm_nvfp4_nvfp4::Op;
  const bool sums = harness::groups_are_of_products<Op, One>(some, Cases::fill<Fills::random>) &&
                    harness::groups_are_of_products<Op, One>(some, Cases::fill<Fills::special>);
  return harness::verify_main("grouped_gemm_nvfp4_nvfp4",
                              harness::refuses_groups<Op>(kLayout.bytes(1, 64)) &&
                                  harness::tells_offsets(check_offsets) && sums &&
                                  chooses_by_isa<Op>({.groups = 2, .m = 1, .n = 64, .k = 64}));
}
