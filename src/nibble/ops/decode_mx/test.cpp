#include "nibble/harness/verify.h"
#include "nibble/ops/decode_mx/decode_mx.h"

using namespace nibble;
using namespace nibble::decode_mx;

int main() {
  const bool refused =
      !Op::check({.rows = 1, .cols = 48}).ok() && !Op::check({.rows = 1, .cols = 32}).ok();
  return harness::verify_main("decode_mx", refused);
}
