#include "nibble/cpu/s8_dual_avx2.h"
#include "nibble/ops/dual_gemm_ternary_s8/kernels.h"

namespace nibble::dual_gemm_ternary_s8 {

void avx2(const Args& a, const Exec& e) {
  cpu::s8_dual<cpu::S8DualYmm<cpu::S8Avx2<cpu::TernaryCodes>>>(a, e);
}

}  // namespace nibble::dual_gemm_ternary_s8
