#include "nibble/cpu/s8_dual_portable.h"
#include "nibble/ops/dual_gemm_ternary_s8/kernels.h"

namespace nibble::dual_gemm_ternary_s8 {

void portable(const Args& a, const Exec& e) { cpu::s8_dual_portable<cpu::TernaryCodes>(a, e); }

}  // namespace nibble::dual_gemm_ternary_s8
