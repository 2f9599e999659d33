#include "nibble/cpu/groups.h"
#include "nibble/cpu/s8_panels_avx_vnni.h"
#include "nibble/ops/grouped_gemm_int8_s8/kernels.h"

namespace nibble::grouped_gemm_int8_s8 {

void avx_vnni(const Args& a, const Exec& e) {
  cpu::each_group(a, a.n, scratch_bytes(1, a.k), e, [](const Args& one, const Exec& here) {
    cpu::run_s8_ymm<cpu::S8AvxVnni<cpu::Int8Halves>>(one, here);
  });
}

}  // namespace nibble::grouped_gemm_int8_s8
