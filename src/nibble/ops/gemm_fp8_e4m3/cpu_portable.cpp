#include "nibble/cpu/fp8_panels_portable.h"
#include "nibble/ops/gemm_fp8_e4m3/kernels.h"

namespace nibble::gemm_fp8_e4m3 {

void portable(const Args& a, const Exec& e) { cpu::run_fp8_portable(a, scales_of(a), e); }

}  // namespace nibble::gemm_fp8_e4m3
