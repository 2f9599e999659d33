#include "nibble/cpu/dense_avx512.h"
#include "nibble/ops/gemm_bf16/kernels.h"

namespace nibble::gemm_bf16 {

void avx512_bf16(const Args& a, const Exec& e) {
  cpu::dense<cpu::DenseBy512<cpu::Bf16Pairs>>(a, e);
}

}  // namespace nibble::gemm_bf16
