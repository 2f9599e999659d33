#include "nibble/cpu/fp4_s8_avx512.h"
#include "nibble/ops/dual_gemm_nvfp4_s8/kernel.h"

namespace nibble::dual_gemm_nvfp4_s8 {

void avx512_vnni(const Args& a, const Exec& e) { run<cpu::Fp4Avx512>(a, e); }

}  // namespace nibble::dual_gemm_nvfp4_s8
