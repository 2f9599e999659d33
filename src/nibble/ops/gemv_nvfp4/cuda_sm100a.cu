// PTX: ld.global.nc.L1::no_allocate.L2::256B.v4.b32, cvt.rn.f16x2.e2m1x2, griddepcontrol.wait
#include "nibble/ops/gemv_nvfp4/kernel.cuh"

namespace nibble::gemv_nvfp4 {

void sm100a(const Args& a, const Exec& e) { run<tile::HalfProducts<tile::Converted>, true>(a, e); }

}  // namespace nibble::gemv_nvfp4
