#include "nibble/ops/relu2_quantise/kernel.h"

namespace nibble::relu2_quantise {

void avx512(const Args& a, const Exec& e) { run(a, e); }

}  // namespace nibble::relu2_quantise
