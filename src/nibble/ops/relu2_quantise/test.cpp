#include "nibble/harness/verify.h"
#include "nibble/ops/relu2_quantise/relu2_quantise.h"

using namespace nibble;
using namespace nibble::relu2_quantise;

int main() {
  const bool refused = !Op::check({}).ok();
  return harness::verify_main("relu2_quantise", refused);
}
