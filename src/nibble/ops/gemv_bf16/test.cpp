#include "nibble/harness/verify.h"
#include "nibble/ops/gemv_bf16/gemv_bf16.h"

using namespace nibble;
using namespace nibble::gemv_bf16;

int main() {
  const bool refused = !Op::check({.n = 1, .k = 12}).ok() && !Op::check({.n = 1, .k = 8}).ok() &&
                       !Op::check({.batch = 0, .n = 1, .k = 8}).ok();
  return harness::verify_main("gemv_bf16", refused);
}
