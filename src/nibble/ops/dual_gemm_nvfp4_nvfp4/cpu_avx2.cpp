#include "nibble/cpu/fp4_dual.h"
#include "nibble/cpu/fp4_s8_avx2.h"
#include "nibble/ops/dual_gemm_nvfp4_nvfp4/kernels.h"

namespace nibble::dual_gemm_nvfp4_nvfp4 {

void avx2(const Args& a, const Exec& e) { cpu::fp4_dual<cpu::Fp4Avx2, cpu::Nvfp4Pairs>(a, e); }

}  // namespace nibble::dual_gemm_nvfp4_nvfp4
