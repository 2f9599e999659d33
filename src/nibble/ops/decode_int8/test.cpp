#include "nibble/harness/verify.h"
#include "nibble/ops/decode_int8/decode_int8.h"

using namespace nibble;
using namespace nibble::decode_int8;

int main() {
  const bool refused = !Op::check({}).ok() && !Op::check({.rows = 1, .cols = 1}).ok();
  return harness::verify_main("decode_int8", refused);
}
