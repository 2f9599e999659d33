// PTX: cvt.rn.satfinite.e2m1x2.f32
#include "nibble/ops/encode_nvfp4/kernel.cuh"

namespace nibble::encode_nvfp4 {

void sm120f(const Args& a, const Exec& e) { run<cuda::tile::RoundByConversion>(a, e); }

}  // namespace nibble::encode_nvfp4
