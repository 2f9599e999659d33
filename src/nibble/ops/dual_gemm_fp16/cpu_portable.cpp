#include "nibble/cpu/dense_dual.h"
#include "nibble/cpu/dense_portable.h"
#include "nibble/numerics/lanes.h"
#include "nibble/ops/dual_gemm_fp16/kernels.h"

namespace nibble::dual_gemm_fp16 {

void portable(const Args& a, const Exec& e) {
  cpu::dense_dual<cpu::DensePortable<fp16>, numerics::F32x16>(a, e);
}

}  // namespace nibble::dual_gemm_fp16
