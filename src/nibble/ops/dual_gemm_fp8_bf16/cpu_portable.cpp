#include "nibble/cpu/fp8_dual.h"
#include "nibble/cpu/fp8_panels_portable.h"
#include "nibble/numerics/lanes.h"
#include "nibble/ops/dual_gemm_fp8_bf16/kernels.h"

namespace nibble::dual_gemm_fp8_bf16 {

void portable(const Args& a, const Exec& e) {
  const cpu::Fp8Values values;
  cpu::fp8_dual<numerics::F32x16, cpu::FloatGroups, cpu::kFp8PortableTokens>(
      a, e, cpu::fp8_copy<cpu::FloatGroups, bf16>,
      [&](int rows, const cpu::Fp8Tile& t) { cpu::fp8_tile_portable(values, rows, t); });
}

}  // namespace nibble::dual_gemm_fp8_bf16
