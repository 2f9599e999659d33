#include "nibble/harness/verify.h"
#include "nibble/ops/residual_norm/residual_norm.h"

using namespace nibble;
using namespace nibble::residual_norm;

int main() {
  const bool refused = !Op::check({}).ok();
  return harness::verify_main("residual_norm", refused);
}
