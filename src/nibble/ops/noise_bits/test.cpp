#include "nibble/harness/verify.h"
#include "nibble/ops/noise_bits/noise_bits.h"

using namespace nibble;
using namespace nibble::noise_bits;

int main() {
  const bool refused = !Op::check({}).ok();
  return harness::verify_main("noise_bits", refused);
}
