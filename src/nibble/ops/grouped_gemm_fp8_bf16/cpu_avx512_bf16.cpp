#include "nibble/cpu/fp8_panels_avx512_bf16.h"
#include "nibble/ops/grouped_gemm_fp8_bf16/kernel.h"

namespace nibble::grouped_gemm_fp8_bf16 {

void avx512_bf16(const Args& a, const Exec& e) {
  groups(a, e, cpu::run_fp8_avx512<cpu::Bf16Products, Args>);
}

}  // namespace nibble::grouped_gemm_fp8_bf16
