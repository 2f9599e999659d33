#include "nibble/cpu/s8_panels_avx2.h"
#include "nibble/ops/gemm_int8_s8/kernels.h"

namespace nibble::gemm_int8_s8 {

void avx2(const Args& a, const Exec& e) {
  for (int64_t l = 0; l < a.batch; ++l) cpu::run_s8_avx2<cpu::Int8Codes>(entry(a, l), e);
}

}  // namespace nibble::gemm_int8_s8
