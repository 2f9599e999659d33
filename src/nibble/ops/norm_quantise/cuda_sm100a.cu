// PTX: cvt.rn.satfinite.e2m1x2.f32, cvt.rn.satfinite.e4m3x2.f32
#include "nibble/ops/norm_quantise/kernel.cuh"

namespace nibble::norm_quantise {

void sm100a(const Args& a, const Exec& e) { run<cuda::tile::RoundByConversion>(a, e); }

}  // namespace nibble::norm_quantise
