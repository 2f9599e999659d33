#include "nibble/cpu/fp4_grouped.h"
#include "nibble/cpu/fp4_s8_portable.h"
#include "nibble/ops/grouped_gemm_nvfp4_nvfp4/kernels.h"

namespace nibble::grouped_gemm_nvfp4_nvfp4 {

void portable(const Args& a, const Exec& e) {
  cpu::fp4_grouped<cpu::Fp4Portable, cpu::Nvfp4Pairs>(a, e);
}

}  // namespace nibble::grouped_gemm_nvfp4_nvfp4
