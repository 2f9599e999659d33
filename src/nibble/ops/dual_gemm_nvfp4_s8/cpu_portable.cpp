#include "nibble/cpu/fp4_s8_portable.h"
#include "nibble/ops/dual_gemm_nvfp4_s8/kernel.h"

namespace nibble::dual_gemm_nvfp4_s8 {

void portable(const Args& a, const Exec& e) { run<cpu::Fp4Portable>(a, e); }

}  // namespace nibble::dual_gemm_nvfp4_s8
