#include "nibble/ops/encode_mx/kernel.cuh"

namespace nibble::encode_mx {

void sm80(const Args& a, const Exec& e) { run<cuda::tile::RoundByArithmetic>(a, e); }

}  // namespace nibble::encode_mx
