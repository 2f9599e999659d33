#include "nibble/cpu/groups.h"
#include "nibble/cpu/s8_panels_avx2.h"
#include "nibble/ops/grouped_gemm_ternary_s8/kernels.h"

namespace nibble::grouped_gemm_ternary_s8 {

void avx2(const Args& a, const Exec& e) {
  cpu::each_group(a, a.n, scratch_bytes(1, a.k), e, [](const Args& one, const Exec& here) {
    cpu::run_s8_avx2<cpu::TernaryCodes>(one, here);
  });
}

}  // namespace nibble::grouped_gemm_ternary_s8
