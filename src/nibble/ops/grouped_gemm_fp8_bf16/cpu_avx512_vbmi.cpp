#include "nibble/cpu/fp8_panels_avx512.h"
#include "nibble/ops/grouped_gemm_fp8_bf16/kernel.h"

namespace nibble::grouped_gemm_fp8_bf16 {

void avx512_vbmi(const Args& a, const Exec& e) {
  groups(a, e, cpu::run_fp8_avx512<cpu::FloatProducts, Args>);
}

}  // namespace nibble::grouped_gemm_fp8_bf16
