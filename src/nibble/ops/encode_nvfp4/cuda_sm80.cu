#include "nibble/ops/encode_nvfp4/kernel.cuh"

namespace nibble::encode_nvfp4 {

void sm80(const Args& a, const Exec& e) { run<cuda::tile::RoundByArithmetic>(a, e); }

}  // namespace nibble::encode_nvfp4
