// PTX: ld.global.nc.L1::no_allocate.L2::256B.v4.b32, fma.rn.f16x2
#include "nibble/ops/gemv_nvfp4/kernel.cuh"

namespace nibble::gemv_nvfp4 {

void sm80(const Args& a, const Exec& e) { run<cuda::tile::Shifted, false>(a, e); }

}  // namespace nibble::gemv_nvfp4
