#include "nibble/cpu/s8_panels_avx_vnni.h"
#include "nibble/ops/gemm_ternary_s8/kernels.h"

namespace nibble::gemm_ternary_s8 {

void avx_vnni(const Args& a, const Exec& e) {
  for (int64_t l = 0; l < a.batch; ++l)
    cpu::run_s8_ymm<cpu::S8AvxVnni<cpu::TernaryHalves>>(entry(a, l), e);
}

}  // namespace nibble::gemm_ternary_s8
