#include "nibble/cpu/math_avx2.h"
#include "nibble/ops/logit_credit/kernel.h"

namespace nibble::logit_credit {

void avx2(const Args& a, const Exec& e) { run<cpu::F32x16>(a, e); }

}  // namespace nibble::logit_credit
