#include "nibble/cpu/dense_dual.h"
#include "nibble/cpu/dense_portable.h"
#include "nibble/numerics/lanes.h"
#include "nibble/ops/dual_gemm_bf16/kernels.h"

namespace nibble::dual_gemm_bf16 {

void portable(const Args& a, const Exec& e) {
  cpu::dense_dual<cpu::DensePortable<bf16>, numerics::F32x16>(a, e);
}

}  // namespace nibble::dual_gemm_bf16
