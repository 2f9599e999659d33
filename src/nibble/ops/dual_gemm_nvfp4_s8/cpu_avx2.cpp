#include "nibble/cpu/fp4_s8_avx2.h"
#include "nibble/ops/dual_gemm_nvfp4_s8/kernel.h"

namespace nibble::dual_gemm_nvfp4_s8 {

void avx2(const Args& a, const Exec& e) { run<cpu::Fp4Avx2>(a, e); }

}  // namespace nibble::dual_gemm_nvfp4_s8
