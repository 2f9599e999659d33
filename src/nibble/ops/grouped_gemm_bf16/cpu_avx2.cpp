#include "nibble/cpu/dense_avx2.h"
#include "nibble/cpu/dense_grouped.h"
#include "nibble/ops/grouped_gemm_bf16/kernels.h"

namespace nibble::grouped_gemm_bf16 {

void avx2(const Args& a, const Exec& e) {
  cpu::dense_grouped<cpu::DenseBy256<cpu::Bf16By256>>(a, e);
}

}  // namespace nibble::grouped_gemm_bf16
