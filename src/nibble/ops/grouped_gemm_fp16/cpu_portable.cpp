#include "nibble/cpu/dense_grouped.h"
#include "nibble/cpu/dense_portable.h"
#include "nibble/ops/grouped_gemm_fp16/kernels.h"

namespace nibble::grouped_gemm_fp16 {

void portable(const Args& a, const Exec& e) { cpu::dense_grouped<cpu::DensePortable<fp16>>(a, e); }

}  // namespace nibble::grouped_gemm_fp16
