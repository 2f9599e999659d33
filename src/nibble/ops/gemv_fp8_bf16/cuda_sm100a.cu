// PTX: ld.global.nc.L1::no_allocate.L2::256B.v4.b32, cvt.rn.f16x2.e4m3x2, griddepcontrol.wait
#include "nibble/cuda/tile/panel_fp8.cuh"
#include "nibble/ops/gemv_fp8_bf16/kernels.h"

namespace nibble::gemv_fp8_bf16 {

void sm100a(const Args& a, const Exec& e) {
  using namespace cuda::tile;
  const int blocks = a.w_factors == Factors::blocks ? int(cpu::fp8_blocks(a.k)) : 0;
  run_panels<Fp8Panels<Widened>, true>(a, e, {.factor_blocks = blocks, .partial = a.partial});
}

}  // namespace nibble::gemv_fp8_bf16
