#include "nibble/ops/rank1_noise/kernel.h"

namespace nibble::rank1_noise {

void avx512(const Args& a, const Exec& e) { run(a, e); }

}  // namespace nibble::rank1_noise
