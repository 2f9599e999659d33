#include "nibble/base/chosen.h"
#include "nibble/harness/grouped_checks.h"
#include "nibble/harness/verify.h"
#include "nibble/ops/gemm_fp16/gemm_fp16.h"
#include "nibble/ops/grouped_gemm_fp16/cases.h"

using namespace nibble;
using namespace nibble::grouped_gemm_fp16;

int main() {
  using Cases = GroupedCases<Args, Fills, kLayout>;
  Args some{.groups = 5, .m = 40, .n = 70, .k = 33, .ldx = 35, .ldy = 71};
  some.w_stride = kLayout.elements(some.n, some.k) + kDensePanel;
  Args blocks{.groups = 2, .m = 24, .n = 5, .k = 1055, .ldx = 1055, .ldy = 5};
  blocks.w_stride = kLayout.elements(blocks.n, blocks.k);
  using One = gemm_fp16::Op;
  const bool sums = harness::groups_are_of_products<Op, One>(some, Cases::fill<Fills::random>) &&
                    harness::groups_are_of_products<Op, One>(some, Cases::fill<Fills::special>) &&
                    harness::groups_are_of_products<Op, One>(blocks, Cases::fill<Fills::written>);
  return harness::verify_main(
      "grouped_gemm_fp16",
      harness::refuses_groups<Op>(kLayout.elements(1, 64), kDensePanel) &&
          harness::tells_offsets(check_offsets) && sums &&
          chooses_by_isa<Op>({.groups = 2, .m = 64, .n = 64, .k = 64}, "avx512", Isa::avx512));
}
