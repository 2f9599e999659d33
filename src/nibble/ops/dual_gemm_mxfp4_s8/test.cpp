#include "nibble/base/chosen.h"
#include "nibble/harness/verify.h"
#include "nibble/ops/dual_gemm_mxfp4_s8/dual_gemm_mxfp4_s8.h"

using namespace nibble;
using namespace nibble::dual_gemm_mxfp4_s8;

int main() {
  const bool refused = !Op::check({.m = 1, .n = 1, .k = 48, .ldx = 48, .ldy = 1}).ok() &&
                       !Op::check({.m = 1, .n = 8, .k = 32, .ldx = 32, .ldy = 7}).ok();
  return harness::verify_main("dual_gemm_mxfp4_s8",
                              refused && chooses_by_isa<Op>({.m = 1, .n = 64, .k = 64}));
}
