#include "nibble/cpu/dense_avx512.h"
#include "nibble/ops/gemm_fp16/kernels.h"

namespace nibble::gemm_fp16 {

void avx512(const Args& a, const Exec& e) { cpu::dense<cpu::DenseBy512<cpu::Fp16By512>>(a, e); }

}  // namespace nibble::gemm_fp16
