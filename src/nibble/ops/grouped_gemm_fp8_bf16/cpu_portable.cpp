#include "nibble/cpu/fp8_panels_portable.h"
#include "nibble/ops/grouped_gemm_fp8_bf16/kernel.h"

namespace nibble::grouped_gemm_fp8_bf16 {

void portable(const Args& a, const Exec& e) { groups(a, e, cpu::run_fp8_portable<Args>); }

}  // namespace nibble::grouped_gemm_fp8_bf16
