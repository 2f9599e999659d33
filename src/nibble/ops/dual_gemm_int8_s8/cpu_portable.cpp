#include "nibble/cpu/s8_dual_portable.h"
#include "nibble/ops/dual_gemm_int8_s8/kernels.h"

namespace nibble::dual_gemm_int8_s8 {

void portable(const Args& a, const Exec& e) { cpu::s8_dual_portable<cpu::Int8Codes>(a, e); }

}  // namespace nibble::dual_gemm_int8_s8
