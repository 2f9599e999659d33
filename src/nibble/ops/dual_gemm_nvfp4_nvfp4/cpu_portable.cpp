#include "nibble/cpu/fp4_dual.h"
#include "nibble/cpu/fp4_s8_portable.h"
#include "nibble/ops/dual_gemm_nvfp4_nvfp4/kernels.h"

namespace nibble::dual_gemm_nvfp4_nvfp4 {

void portable(const Args& a, const Exec& e) {
  cpu::fp4_dual<cpu::Fp4Portable, cpu::Nvfp4Pairs>(a, e);
}

}  // namespace nibble::dual_gemm_nvfp4_nvfp4
