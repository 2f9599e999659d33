#include "nibble/harness/verify.h"
#include "nibble/ops/credit_noise/credit_noise.h"

using namespace nibble;
using namespace nibble::credit_noise;

int main() {
  const bool refused = !Op::check({}).ok();
  return harness::verify_main("credit_noise", refused);
}
