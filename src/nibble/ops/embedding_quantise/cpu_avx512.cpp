#include "nibble/ops/embedding_quantise/kernels.h"

namespace nibble::embedding_quantise {

void avx512(const Args& a, const Exec& e) { run("avx512", a, e); }

}  // namespace nibble::embedding_quantise
