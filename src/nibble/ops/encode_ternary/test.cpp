#include "nibble/harness/verify.h"
#include "nibble/ops/encode_ternary/encode_ternary.h"

using namespace nibble;
using namespace nibble::encode_ternary;

int main() {
  const bool refused = !Op::check({}).ok() && !Op::check({.rows = 1, .cols = 1}).ok();
  return harness::verify_main("encode_ternary", refused);
}
