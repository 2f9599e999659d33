#include "nibble/cpu/s8_dual_avx512.h"
#include "nibble/ops/dual_gemm_ternary_s8/kernels.h"

namespace nibble::dual_gemm_ternary_s8 {

void avx512_vnni(const Args& a, const Exec& e) {
  cpu::s8_dual<cpu::S8DualAvx512<cpu::TernaryLines>>(a, e);
}

}  // namespace nibble::dual_gemm_ternary_s8
