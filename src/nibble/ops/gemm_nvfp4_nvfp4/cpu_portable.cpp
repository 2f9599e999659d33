#include "nibble/cpu/fp4_s8_portable.h"
#include "nibble/ops/gemm_nvfp4_nvfp4/kernels.h"

namespace nibble::gemm_nvfp4_nvfp4 {

void portable(const Args& a, const Exec& e) {
  cpu::fp4_gemm<cpu::Fp4Portable, cpu::Nvfp4Pairs>(a, e);
}

}  // namespace nibble::gemm_nvfp4_nvfp4
