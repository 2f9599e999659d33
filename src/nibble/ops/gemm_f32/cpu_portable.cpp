#include "nibble/cpu/dense_portable.h"
#include "nibble/ops/gemm_f32/kernels.h"

namespace nibble::gemm_f32 {

void portable(const Args& a, const Exec& e) { cpu::dense<cpu::DensePortable<float>>(a, e); }

}  // namespace nibble::gemm_f32
