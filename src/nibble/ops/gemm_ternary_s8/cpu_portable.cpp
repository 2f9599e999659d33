#include "nibble/cpu/s8_panels_portable.h"
#include "nibble/ops/gemm_ternary_s8/kernels.h"

namespace nibble::gemm_ternary_s8 {

void portable(const Args& a, const Exec& e) { cpu::run_s8_portable<cpu::TernaryCodes>(a, e); }

}  // namespace nibble::gemm_ternary_s8
