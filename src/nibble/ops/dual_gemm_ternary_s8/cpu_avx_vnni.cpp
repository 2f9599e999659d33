#include "nibble/cpu/s8_dual_avx2.h"
#include "nibble/cpu/s8_panels_avx_vnni.h"
#include "nibble/ops/dual_gemm_ternary_s8/kernels.h"

namespace nibble::dual_gemm_ternary_s8 {

void avx_vnni(const Args& a, const Exec& e) {
  cpu::s8_dual<cpu::S8DualYmm<cpu::S8AvxVnni<cpu::TernaryHalves>>>(a, e);
}

}  // namespace nibble::dual_gemm_ternary_s8
