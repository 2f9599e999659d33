#include "nibble/harness/verify.h"
#include "nibble/ops/head_norm/head_norm.h"

using namespace nibble;
using namespace nibble::head_norm;

int main() {
  const bool refused = !Op::check({}).ok();
  return harness::verify_main("head_norm", refused);
}
