#include "nibble/cpu/fp4_s8_avx_vnni.h"
#include "nibble/ops/gemm_nvfp4_nvfp4/kernels.h"

namespace nibble::gemm_nvfp4_nvfp4 {

void avx_vnni(const Args& a, const Exec& e) {
  cpu::fp4_gemm<cpu::Fp4AvxVnni, cpu::Nvfp4Pairs>(a, e);
}

}  // namespace nibble::gemm_nvfp4_nvfp4
