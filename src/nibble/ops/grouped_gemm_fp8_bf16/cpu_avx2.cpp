#include "nibble/cpu/fp8_panels_avx2.h"
#include "nibble/ops/grouped_gemm_fp8_bf16/kernel.h"

namespace nibble::grouped_gemm_fp8_bf16 {

void avx2(const Args& a, const Exec& e) { groups(a, e, cpu::run_fp8_avx2<Args>); }

}  // namespace nibble::grouped_gemm_fp8_bf16
