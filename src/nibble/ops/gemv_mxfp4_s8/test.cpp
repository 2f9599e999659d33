#include "nibble/harness/verify.h"
#include "nibble/ops/gemv_mxfp4_s8/gemv_mxfp4_s8.h"

using namespace nibble;
using namespace nibble::gemv_mxfp4_s8;

int main() {
  const bool refused =
      !Op::check({.m = 1, .n = 1, .k = 48, .ldx = 48, .ldy = 1}).ok() &&
      !Op::check({.batch = 0, .m = 1, .n = 1, .k = 32, .ldx = 32, .ldy = 1}).ok() &&
      !Op::check({.m = 9, .n = 1, .k = 32, .ldx = 32, .ldy = 1}).ok() &&
      !Op::check({.m = 1, .n = 2, .k = 32, .ldx = 32, .ldy = 1}).ok();
  return harness::verify_main("gemv_mxfp4_s8", refused);
}
