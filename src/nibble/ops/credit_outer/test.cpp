#include "nibble/harness/verify.h"
#include "nibble/ops/credit_outer/credit_outer.h"

using namespace nibble;
using namespace nibble::credit_outer;

int main() {
  const bool refused = !Op::check({}).ok();
  return harness::verify_main("credit_outer", refused);
}
