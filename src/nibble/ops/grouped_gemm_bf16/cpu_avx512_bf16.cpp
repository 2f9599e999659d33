#include "nibble/cpu/dense_avx512.h"
#include "nibble/cpu/dense_grouped.h"
#include "nibble/ops/grouped_gemm_bf16/kernels.h"

namespace nibble::grouped_gemm_bf16 {

void avx512_bf16(const Args& a, const Exec& e) {
  cpu::dense_grouped<cpu::DenseBy512<cpu::Bf16Pairs>>(a, e);
}

}  // namespace nibble::grouped_gemm_bf16
