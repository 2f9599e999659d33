#include "nibble/harness/verify.h"
#include "nibble/ops/toy_op/toy_op.h"

int main() {
  const bool refused = !nibble::toy_op::Op::check({.n = 0}).ok();
  return nibble::harness::verify_main("toy_op", refused);
}
