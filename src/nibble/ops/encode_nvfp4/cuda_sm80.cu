// PTX: ld.global.nc.L1::no_allocate.L2::256B.v4.b32, max.NaN.f32, prmt.b32
#include "nibble/ops/encode_nvfp4/kernel.cuh"

namespace nibble::encode_nvfp4 {

void sm80(const Args& a, const Exec& e) { run<cuda::tile::RoundByArithmetic>(a, e); }

}  // namespace nibble::encode_nvfp4
