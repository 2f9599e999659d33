#include "nibble/cpu/dense_portable.h"
#include "nibble/ops/gemm_bf16/kernels.h"

namespace nibble::gemm_bf16 {

void portable(const Args& a, const Exec& e) { cpu::dense<cpu::DensePortable<bf16>>(a, e); }

}  // namespace nibble::gemm_bf16
