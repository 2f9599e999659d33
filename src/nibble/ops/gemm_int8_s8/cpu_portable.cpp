#include "nibble/cpu/s8_panels_portable.h"
#include "nibble/ops/gemm_int8_s8/kernels.h"

namespace nibble::gemm_int8_s8 {

void portable(const Args& a, const Exec& e) {
  for (int64_t l = 0; l < a.batch; ++l) cpu::run_s8_portable<cpu::Int8Codes>(entry(a, l), e);
}

}  // namespace nibble::gemm_int8_s8
