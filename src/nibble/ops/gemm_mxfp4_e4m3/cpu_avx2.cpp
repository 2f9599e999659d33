#include "nibble/cpu/fp4_chains_avx2.h"
#include "nibble/ops/gemm_mxfp4_e4m3/pack.h"

namespace nibble::gemm_mxfp4_e4m3 {

void avx2(const Args& a, const Exec& e) {
  pack_floats(a, e, cpu::kChainUnit);
  cpu::multiply_chains<cpu::Mxfp4Blocks, true>(chains_of(a), e.pool);
}

}  // namespace nibble::gemm_mxfp4_e4m3
