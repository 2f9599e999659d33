#include "nibble/cpu/dense_avx2.h"
#include "nibble/ops/gemm_fp16/kernels.h"

namespace nibble::gemm_fp16 {

void avx2(const Args& a, const Exec& e) { cpu::dense<cpu::DenseBy256<cpu::Fp16By256>>(a, e); }

}  // namespace nibble::gemm_fp16
