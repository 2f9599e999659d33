#include "nibble/cpu/dense_dual.h"
#include "nibble/cpu/dense_portable.h"
#include "nibble/numerics/lanes.h"
#include "nibble/ops/dual_gemm_f32/kernels.h"

namespace nibble::dual_gemm_f32 {

void portable(const Args& a, const Exec& e) {
  cpu::dense_dual<cpu::DensePortable<float>, numerics::F32x16>(a, e);
}

}  // namespace nibble::dual_gemm_f32
