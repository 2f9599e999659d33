#include "nibble/cpu/fp4_chains_avx2.h"
#include "nibble/ops/gemm_nvfp4_bf16/pack.h"

namespace nibble::gemm_nvfp4_bf16 {

void avx2(const Args& a, const Exec& e) {
  pack(a, e, cpu::kChainUnit);
  cpu::multiply_chains<cpu::Nvfp4Blocks, false>(chains_of(a), e.pool);
}

}  // namespace nibble::gemm_nvfp4_bf16
