#include "nibble/ops/encode_rows/kernel.cuh"

namespace nibble::encode_rows {

void sm80(const Args& a, const Exec& e) { run<cuda::tile::RoundByArithmetic>(a, e); }

}  // namespace nibble::encode_rows
