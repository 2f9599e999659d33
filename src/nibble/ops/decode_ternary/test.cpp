#include "nibble/harness/verify.h"
#include "nibble/ops/decode_ternary/decode_ternary.h"

using namespace nibble;
using namespace nibble::decode_ternary;

int main() {
  const bool refused = !Op::check({}).ok() && !Op::check({.rows = 1, .cols = 1}).ok();
  return harness::verify_main("decode_ternary", refused);
}
