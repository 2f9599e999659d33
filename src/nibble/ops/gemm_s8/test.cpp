#include "nibble/base/chosen.h"
#include "nibble/harness/verify.h"
#include "nibble/ops/gemm_s8/gemm_s8.h"

using namespace nibble;
using namespace nibble::gemm_s8;

int main() {
  const bool refused = !Op::check({.m = 1, .n = 1, .k = kMaxK + 1, .lda = 1, .ldc = 1}).ok() &&
                       !Op::check({.m = 1, .n = 8, .k = 4, .lda = 4, .ldc = 7}).ok();
  return harness::verify_main("gemm_s8",
                              refused && chooses_by_isa<Op>({.m = 64, .n = 64, .k = 64}));
}
