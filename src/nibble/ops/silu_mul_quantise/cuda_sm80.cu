#include "nibble/ops/silu_mul_quantise/kernel.cuh"

namespace nibble::silu_mul_quantise {

void sm80(const Args& a, const Exec& e) { run<cuda::tile::RoundByArithmetic>(a, e); }

}  // namespace nibble::silu_mul_quantise
