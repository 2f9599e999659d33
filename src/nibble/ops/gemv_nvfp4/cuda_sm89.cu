// PTX: ld.global.nc.L1::no_allocate.L2::256B.v4.b32, dp4a.s32.s32, prmt.b32, cvt.rn.f16x2.e4m3x2
#include "nibble/ops/gemv_nvfp4/kernel.cuh"

namespace nibble::gemv_nvfp4 {

void sm89(const Args& a, const Exec& e) { run<tile::ByteProducts<tile::Widened>, false>(a, e); }

}  // namespace nibble::gemv_nvfp4
