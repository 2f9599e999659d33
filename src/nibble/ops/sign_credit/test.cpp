#include "nibble/harness/verify.h"
#include "nibble/ops/sign_credit/sign_credit.h"

using namespace nibble;
using namespace nibble::sign_credit;

int main() {
  const bool refused = !Op::check({.perturbations = 0, .k = 16, .n = 16, .columns = 16}).ok() &&
                       !Op::check({.perturbations = 1, .k = 16, .n = 32, .columns = 16}).ok();
  return harness::verify_main("sign_credit", refused);
}
