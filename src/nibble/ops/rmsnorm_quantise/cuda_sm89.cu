// PTX: cvt.rn.satfinite.e4m3x2.f32
#include "nibble/ops/rmsnorm_quantise/kernel.cuh"

namespace nibble::rmsnorm_quantise {

void sm89(const Args& a, const Exec& e) { run<cuda::tile::RoundFp8ByConversion>(a, e); }

}  // namespace nibble::rmsnorm_quantise
