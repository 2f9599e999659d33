// PTX: ld.global.nc.L1::no_allocate.L2::256B.v4.b32, dp4a.u32.s32, griddepcontrol.wait
#include "nibble/cuda/tile/panel_s8.cuh"
#include "nibble/ops/gemm_ternary_s8/kernels.h"

namespace nibble::gemm_ternary_s8 {

void sm100a(const Args& a, const Exec& e) {
  using namespace cuda::tile;
  run_panels<TernaryPanels, true>(a, e, {.x_scale = a.x_scale, .partial = a.scratch});
}

}  // namespace nibble::gemm_ternary_s8
