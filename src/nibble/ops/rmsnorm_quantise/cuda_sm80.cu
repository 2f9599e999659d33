#include "nibble/ops/rmsnorm_quantise/kernel.cuh"

namespace nibble::rmsnorm_quantise {

void sm80(const Args& a, const Exec& e) { run<cuda::tile::RoundByArithmetic>(a, e); }

}  // namespace nibble::rmsnorm_quantise
