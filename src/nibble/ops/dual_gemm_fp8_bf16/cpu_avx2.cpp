#include "nibble/cpu/fp8_dual.h"
#include "nibble/cpu/fp8_panels_avx2.h"
#include "nibble/cpu/math_avx2.h"
#include "nibble/ops/dual_gemm_fp8_bf16/kernels.h"

namespace nibble::dual_gemm_fp8_bf16 {

void avx2(const Args& a, const Exec& e) {
  cpu::fp8_dual<cpu::F32x16, cpu::FloatGroups, 2>(
      a, e, cpu::fp8_copy<cpu::FloatGroups, bf16>, [](int rows, const cpu::Fp8Tile& t) {
        rows == 1 ? cpu::fp8_tile_avx2<1>(t) : cpu::fp8_tile_avx2<2>(t);
      });
}

}  // namespace nibble::dual_gemm_fp8_bf16
