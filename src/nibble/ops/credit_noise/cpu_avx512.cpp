#include "nibble/ops/credit_noise/kernel.h"

namespace nibble::credit_noise {

void avx512(const Args& a, const Exec& e) { run(a, e); }

}  // namespace nibble::credit_noise
