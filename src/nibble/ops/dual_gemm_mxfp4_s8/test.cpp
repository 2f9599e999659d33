#include "nibble/base/chosen.h"
#include "nibble/harness/dual_checks.h"
#include "nibble/harness/verify.h"
#include "nibble/ops/dual_gemm_mxfp4_s8/cases.h"
#include "nibble/ops/gemm_mxfp4_s8/gemm_mxfp4_s8.h"

using namespace nibble;
using namespace nibble::dual_gemm_mxfp4_s8;

int main() {
  const Args some{.m = 13, .n = 49, .k = 224, .ldx = 227, .ldy = 50};
  using Cases = Fp4DualCases<Args, Scales, kLayout>;
  const bool right =
      harness::dual_refuses<Op>(some, 48) &&
      harness::dual_is_of_products<Op, gemm_mxfp4_s8::Op>(some, Cases::fill_random) &&
      harness::dual_is_of_products<Op, gemm_mxfp4_s8::Op>(some, Cases::fill_nan);
  return harness::verify_main("dual_gemm_mxfp4_s8",
                              right && chooses_by_isa<Op>({.m = 1, .n = 64, .k = 64}));
}
