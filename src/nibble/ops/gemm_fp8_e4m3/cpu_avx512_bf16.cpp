#include "nibble/cpu/fp8_panels_avx512_bf16.h"
#include "nibble/ops/gemm_fp8_e4m3/kernels.h"

namespace nibble::gemm_fp8_e4m3 {

void avx512_bf16(const Args& a, const Exec& e) {
  cpu::run_fp8_avx512<cpu::Bf16Products>(a, scales_of(a), e);
}

}  // namespace nibble::gemm_fp8_e4m3
