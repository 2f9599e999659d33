// PTX: cvt.rn.satfinite.e2m1x2.f32, cvt.rn.satfinite.e4m3x2.f32
#include "nibble/ops/encode_rows/kernel.cuh"

namespace nibble::encode_rows {

void sm100a(const Args& a, const Exec& e) { run<cuda::tile::RoundByConversion>(a, e); }

}  // namespace nibble::encode_rows
