// PTX: ld.global.nc.L1::no_allocate.L2::256B.v4.b32, dp4a.s32.s32, prmt.b32
#include "nibble/ops/gemv_nvfp4/kernel.cuh"

namespace nibble::gemv_nvfp4 {

void sm80(const Args& a, const Exec& e) { run<tile::ByteProducts<tile::Shifted>, false>(a, e); }

}  // namespace nibble::gemv_nvfp4
