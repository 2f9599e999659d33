// PTX: ld.global.nc.L1::no_allocate.L2::256B.v4.b32, fma.rn.f16x2, cvt.rn.f16x2.e4m3x2
#include "nibble/ops/gemv_nvfp4_fp16/kernel.cuh"

namespace nibble::gemv_nvfp4_fp16 {

void sm89(const Args& a, const Exec& e) { run<tile::LaidOut<tile::Widened>, false>(a, e); }

}  // namespace nibble::gemv_nvfp4_fp16
