#include "nibble/harness/verify.h"
#include "nibble/ops/encode_nvfp4/encode_nvfp4.h"

using namespace nibble;
using namespace nibble::encode_nvfp4;

int main() {
  const bool refused =
      !Op::check({.rows = 1, .cols = 24}).ok() && !Op::check({.rows = 1, .cols = 16}).ok();
  return harness::verify_main("encode_nvfp4", refused);
}
