#include "nibble/harness/verify.h"
#include "nibble/ops/hadamard16/hadamard16.h"

using namespace nibble;
using namespace nibble::hadamard16;

int main() {
  const bool refused = !Op::check({}).ok() && !Op::check({.rows = 1, .cols = 24}).ok();
  return harness::verify_main("hadamard16", refused);
}
