#include "nibble/cpu/dense_avx512.h"
#include "nibble/ops/gemm_f32/kernels.h"

namespace nibble::gemm_f32 {

void avx512(const Args& a, const Exec& e) { cpu::dense<cpu::DenseBy512<cpu::F32By512>>(a, e); }

}  // namespace nibble::gemm_f32
