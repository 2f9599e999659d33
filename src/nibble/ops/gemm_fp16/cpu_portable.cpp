#include "nibble/cpu/dense_portable.h"
#include "nibble/ops/gemm_fp16/kernels.h"

namespace nibble::gemm_fp16 {

void portable(const Args& a, const Exec& e) { cpu::dense<cpu::DensePortable<fp16>>(a, e); }

}  // namespace nibble::gemm_fp16
