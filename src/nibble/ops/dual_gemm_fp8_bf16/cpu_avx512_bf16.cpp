#include "nibble/cpu/fp8_dual.h"
#include "nibble/cpu/fp8_panels_avx512_bf16.h"
#include "nibble/cpu/math_avx512.h"
#include "nibble/ops/dual_gemm_fp8_bf16/kernels.h"

namespace nibble::dual_gemm_fp8_bf16 {

void avx512_bf16(const Args& a, const Exec& e) {
  using Products = cpu::Bf16Products;
  cpu::fp8_dual<cpu::F32x16, Products::Groups, Products::kTokens>(
      a, e, cpu::fp8_copy_avx512<Products::Groups, bf16>,
      [](int rows, const cpu::Fp8Tile& t) { cpu::fp8_tile_avx512<Products>(rows, t); });
}

}  // namespace nibble::dual_gemm_fp8_bf16
