#include "nibble/cpu/s8_panels_portable.h"
#include "nibble/ops/gemm_ternary_s8/kernels.h"

namespace nibble::gemm_ternary_s8 {

void portable(const Args& a, const Exec& e) {
  for (int64_t l = 0; l < a.batch; ++l) cpu::run_s8_portable<cpu::TernaryCodes>(entry(a, l), e);
}

}  // namespace nibble::gemm_ternary_s8
