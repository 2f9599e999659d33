// PTX: cvt.rn.satfinite.e4m3x2.f32
#include "nibble/ops/encode_rows/kernel.cuh"

namespace nibble::encode_rows {

void sm89(const Args& a, const Exec& e) { run<cuda::tile::RoundFp8ByConversion>(a, e); }

}  // namespace nibble::encode_rows
