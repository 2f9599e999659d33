#include "nibble/harness/verify.h"
#include "nibble/ops/decode_fp8/decode_fp8.h"

using namespace nibble;
using namespace nibble::decode_fp8;

int main() {
  const bool refused = !Op::check({}).ok() && !Op::check({.rows = 1, .cols = 1}).ok();
  return harness::verify_main("decode_fp8", refused);
}
