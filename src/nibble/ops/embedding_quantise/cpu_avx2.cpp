#include "nibble/ops/embedding_quantise/kernel.h"

namespace nibble::embedding_quantise {

void avx2(const Args& a, const Exec& e) { run_here("avx2", a, e); }

}  // namespace nibble::embedding_quantise
