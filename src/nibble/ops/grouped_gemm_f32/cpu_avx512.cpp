#include "nibble/cpu/dense_avx512.h"
#include "nibble/cpu/dense_grouped.h"
#include "nibble/ops/grouped_gemm_f32/kernels.h"

namespace nibble::grouped_gemm_f32 {

void avx512(const Args& a, const Exec& e) {
  cpu::dense_grouped<cpu::DenseBy512<cpu::F32By512>>(a, e);
}

}  // namespace nibble::grouped_gemm_f32
