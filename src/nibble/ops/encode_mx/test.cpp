#include "nibble/harness/verify.h"
#include "nibble/ops/encode_mx/encode_mx.h"

using namespace nibble;
using namespace nibble::encode_mx;

int main() {
  const bool refused =
      !Op::check({.rows = 1, .cols = 48}).ok() && !Op::check({.rows = 1, .cols = 32}).ok();
  return harness::verify_main("encode_mx", refused);
}
