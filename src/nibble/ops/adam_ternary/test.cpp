#include "nibble/harness/verify.h"
#include "nibble/ops/adam_ternary/adam_ternary.h"

using namespace nibble;
using namespace nibble::adam_ternary;

int main() {
  const bool refused = !Op::check({}).ok();
  return harness::verify_main("adam_ternary", refused);
}
