#include "nibble/cpu/dense_avx2.h"
#include "nibble/ops/gemm_f32/kernels.h"

namespace nibble::gemm_f32 {

void avx2(const Args& a, const Exec& e) { cpu::dense<cpu::DenseBy256<cpu::F32By256>>(a, e); }

}  // namespace nibble::gemm_f32
