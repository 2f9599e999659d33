#include "nibble/ops/norm_quantise/kernel.cuh"

namespace nibble::norm_quantise {

void sm80(const Args& a, const Exec& e) { run<cuda::tile::RoundByArithmetic>(a, e); }

}  // namespace nibble::norm_quantise
