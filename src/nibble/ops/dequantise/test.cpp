#include "nibble/harness/verify.h"
#include "nibble/ops/dequantise/dequantise.h"

using namespace nibble;
using namespace nibble::dequantise;

int main() {
  const bool refused = !Op::check({}).ok();
  return harness::verify_main("dequantise", refused);
}
