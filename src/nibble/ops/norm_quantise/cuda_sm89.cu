// PTX: cvt.rn.satfinite.e4m3x2.f32
#include "nibble/ops/norm_quantise/kernel.cuh"

namespace nibble::norm_quantise {

void sm89(const Args& a, const Exec& e) { run<cuda::tile::RoundFp8ByConversion>(a, e); }

}  // namespace nibble::norm_quantise
