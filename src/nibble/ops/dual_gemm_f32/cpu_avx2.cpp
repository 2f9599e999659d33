#include "nibble/cpu/dense_avx2.h"
#include "nibble/cpu/dense_dual.h"
#include "nibble/cpu/math_avx2.h"
#include "nibble/ops/dual_gemm_f32/kernels.h"

namespace nibble::dual_gemm_f32 {

void avx2(const Args& a, const Exec& e) {
  cpu::dense_dual<cpu::DenseBy256<cpu::F32By256>, cpu::F32x16>(a, e);
}

}  // namespace nibble::dual_gemm_f32
