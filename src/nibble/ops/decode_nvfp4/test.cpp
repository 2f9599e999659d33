#include "nibble/harness/verify.h"
#include "nibble/ops/decode_nvfp4/decode_nvfp4.h"

using namespace nibble;
using namespace nibble::decode_nvfp4;

int main() {
  const bool refused =
      !Op::check({.rows = 1, .cols = 24}).ok() && !Op::check({.rows = 1, .cols = 16}).ok();
  return harness::verify_main("decode_nvfp4", refused);
}
