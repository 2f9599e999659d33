#include "nibble/ops/embedding_quantise/kernel.cuh"

namespace nibble::embedding_quantise {

void sm80(const Args& a, const Exec& e) { run<cuda::tile::RoundByArithmetic>(a, e); }

}  // namespace nibble::embedding_quantise
