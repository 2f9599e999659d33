#include "nibble/harness/verify.h"
#include "nibble/ops/magnitudes/magnitudes.h"

using namespace nibble;
using namespace nibble::magnitudes;

int main() {
  const bool refused = !Op::check({}).ok();
  return harness::verify_main("magnitudes", refused);
}
