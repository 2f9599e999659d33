#include "nibble/cpu/fp4_s8_avx_vnni.h"
#include "nibble/ops/gemm_mxfp4_s8/kernels.h"

namespace nibble::gemm_mxfp4_s8 {

void avx_vnni(const Args& a, const Exec& e) {
  cpu::fp4_gemm<cpu::Fp4AvxVnni, cpu::Mxfp4Panels>(a, e);
}

}  // namespace nibble::gemm_mxfp4_s8
