#include "nibble/cpu/fp4_chains_bf16.h"
#include "nibble/ops/gemm_mxfp4_e4m3/pack.h"

namespace nibble::gemm_mxfp4_e4m3 {

// e4m3 is exact in bf16, the upper half of the float.
void avx512_bf16(const Args& a, const Exec& e) {
  auto* words = reinterpret_cast<uint16_t*>(a.packed_x);
  const cpu::WordOrder order{a.m, padded_k(a.k)};
  pack(a, e, [&](int64_t i, int64_t k, cpu::F16 x) {
    const __m256i upper = _mm512_cvtepi32_epi16(cpu::shift_right<16>(cpu::bits(x)).v);
    _mm256_store_si256(reinterpret_cast<__m256i*>(words + order.at(i, k)),
                       cpu::paired_words(upper));
  });
  cpu::multiply_words<cpu::Bf16Dot, cpu::Mxfp4Blocks, true>(chains_of(a), e.pool);
}

}  // namespace nibble::gemm_mxfp4_e4m3
