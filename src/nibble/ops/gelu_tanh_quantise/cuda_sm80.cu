#include "nibble/ops/gelu_tanh_quantise/kernel.cuh"

namespace nibble::gelu_tanh_quantise {

void sm80(const Args& a, const Exec& e) { run<cuda::tile::RoundByArithmetic>(a, e); }

}  // namespace nibble::gelu_tanh_quantise
