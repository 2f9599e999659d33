#include "nibble/cpu/dense_avx512.h"
#include "nibble/cpu/dense_dual.h"
#include "nibble/cpu/math_avx512.h"
#include "nibble/ops/dual_gemm_fp16/kernels.h"

namespace nibble::dual_gemm_fp16 {

void avx512(const Args& a, const Exec& e) {
  cpu::dense_dual<cpu::DenseBy512<cpu::Fp16By512>, cpu::F32x16>(a, e);
}

}  // namespace nibble::dual_gemm_fp16
