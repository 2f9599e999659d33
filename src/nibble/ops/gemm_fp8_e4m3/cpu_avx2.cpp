#include "nibble/cpu/fp8_panels_avx2.h"
#include "nibble/ops/gemm_fp8_e4m3/kernels.h"

namespace nibble::gemm_fp8_e4m3 {

void avx2(const Args& a, const Exec& e) { cpu::run_fp8_avx2(a, scales_of(a), e); }

}  // namespace nibble::gemm_fp8_e4m3
