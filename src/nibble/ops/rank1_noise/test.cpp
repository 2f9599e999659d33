#include "nibble/harness/verify.h"
#include "nibble/ops/rank1_noise/rank1_noise.h"

using namespace nibble;
using namespace nibble::rank1_noise;

int main() {
  const bool refused = !Op::check({}).ok();
  return harness::verify_main("rank1_noise", refused);
}
