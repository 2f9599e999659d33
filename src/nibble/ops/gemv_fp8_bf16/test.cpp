#include "nibble/harness/verify.h"
#include "nibble/ops/gemv_fp8_bf16/gemv_fp8_bf16.h"

using namespace nibble;
using namespace nibble::gemv_fp8_bf16;

int main() {
  const bool refused =
      !Op::check({.batch = 0, .m = 1, .n = 1, .k = 32, .ldx = 32, .ldy = 1}).ok() &&
      !Op::check({.m = 9, .n = 1, .k = 32, .ldx = 32, .ldy = 1}).ok() &&
      !Op::check({.m = 1, .n = 2, .k = 32, .ldx = 32, .ldy = 1}).ok() &&
      !Op::check({.m = 1, .n = 2, .k = 32, .ldx = 31, .ldy = 2}).ok();
  return harness::verify_main("gemv_fp8_bf16", refused);
}
