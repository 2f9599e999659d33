// PTX: cvt.rn.satfinite.e4m3x2.f32
#include "nibble/ops/silu_mul_quantise/kernel.cuh"

namespace nibble::silu_mul_quantise {

void sm89(const Args& a, const Exec& e) { run<cuda::tile::RoundFp8ByConversion>(a, e); }

}  // namespace nibble::silu_mul_quantise
