#include "nibble/harness/verify.h"
#include "nibble/ops/gemv_nvfp4/gemv_nvfp4.h"

using namespace nibble;
using namespace nibble::gemv_nvfp4;

int main() {
  const bool refused = !Op::check({.m = 1, .k = 96}).ok() && !Op::check({.m = 1, .k = 64}).ok() &&
                       !Op::check({.m = 1, .k = 64, .rows = 9, .b_rows = 9}).ok();
  return harness::verify_main("gemv_nvfp4", refused);
}
