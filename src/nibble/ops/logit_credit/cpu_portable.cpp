#include "nibble/numerics/lanes.h"
#include "nibble/ops/logit_credit/kernel.h"

namespace nibble::logit_credit {

void portable(const Args& a, const Exec& e) { run<numerics::F32x16>(a, e); }

}  // namespace nibble::logit_credit
