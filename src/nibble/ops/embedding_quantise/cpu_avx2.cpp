#include "nibble/ops/embedding_quantise/kernels.h"

namespace nibble::embedding_quantise {

void avx2(const Args& a, const Exec& e) { run("avx2", a, e); }

}  // namespace nibble::embedding_quantise
