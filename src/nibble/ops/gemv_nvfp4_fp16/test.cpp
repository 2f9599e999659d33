#include "nibble/harness/verify.h"
#include "nibble/ops/gemv_nvfp4_fp16/gemv_nvfp4_fp16.h"

using namespace nibble;
using namespace nibble::gemv_nvfp4_fp16;

int main() {
  const bool refused = !Op::check({.m = 1, .k = 96}).ok() && !Op::check({.m = 1, .k = 64}).ok() &&
                       !Op::check({.m = 1, .k = 64, .rows = 9}).ok();
  return harness::verify_main("gemv_nvfp4_fp16", refused);
}
