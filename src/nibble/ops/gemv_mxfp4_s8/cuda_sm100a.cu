// PTX: ld.global.nc.L1::no_allocate.L2::256B.v4.b32, dp4a.u32.s32, prmt.b32, griddepcontrol.wait
#include "nibble/cuda/tile/panel_mxfp4.cuh"
#include "nibble/ops/gemv_mxfp4_s8/kernels.h"

namespace nibble::gemv_mxfp4_s8 {

void sm100a(const Args& a, const Exec& e) {
  using namespace cuda::tile;
  run_panels<Mxfp4Panels, true>(a, e, {.x_scale = a.x_scale, .partial = a.partial});
}

}  // namespace nibble::gemv_mxfp4_s8
