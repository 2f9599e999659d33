#include "nibble/ops/encode_fp8/kernel.cuh"

namespace nibble::encode_fp8 {

void sm80(const Args& a, const Exec& e) { run<cuda::tile::RoundByArithmetic>(a, e); }

}  // namespace nibble::encode_fp8
