#include "nibble/ops/magnitudes/kernel.h"

namespace nibble::magnitudes {

void avx512(const Args& a, const Exec& e) { run(a, e); }

}  // namespace nibble::magnitudes
