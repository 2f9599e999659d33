#include "nibble/cpu/fp8_panels_avx512.h"
#include "nibble/ops/gemm_fp8_e4m3/kernels.h"

namespace nibble::gemm_fp8_e4m3 {

void avx512_vbmi(const Args& a, const Exec& e) {
  cpu::run_fp8_avx512<cpu::FloatProducts>(a, scales_of(a), e);
}

}  // namespace nibble::gemm_fp8_e4m3
