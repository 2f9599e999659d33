#include "nibble/harness/verify.h"
#include "nibble/ops/logit_credit/logit_credit.h"

using namespace nibble;
using namespace nibble::logit_credit;

int main() {
  const bool refused = !Op::check({}).ok();
  return harness::verify_main("logit_credit", refused);
}
