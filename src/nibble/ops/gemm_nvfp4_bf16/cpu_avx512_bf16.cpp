#include "nibble/cpu/fp4_chains_bf16.h"
#include "nibble/ops/gemm_nvfp4_bf16/kernels.h"

namespace nibble::gemm_nvfp4_bf16 {
namespace {

void pack_row(const Args& a, int64_t i) {
  const bf16* x = a.x + i * a.ldx;
  uint16_t* to = reinterpret_cast<uint16_t*>(a.packed_x);
  const cpu::WordOrder order{a.m, padded_k(a.k)};
  const __m256i least = _mm256_set1_epi16(short(to_bf16(cpu::kChainLeast).bits));
  int64_t k = 0;
  for (; k < a.k; k += 16) {
    const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + k));
    const __m256i magnitude = _mm256_and_si256(v, _mm256_set1_epi16(0x7fff));
    const __m256i kept = _mm256_maskz_mov_epi16(_mm256_cmpge_epu16_mask(magnitude, least), v);
    _mm256_store_si256(reinterpret_cast<__m256i*>(to + order.at(i, k)), cpu::paired_words(kept));
  }
  for (; k < padded_k(a.k); k += 16)
    _mm256_store_si256(reinterpret_cast<__m256i*>(to + order.at(i, k)), _mm256_setzero_si256());
}

}  // namespace

void avx512_bf16(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.m, kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) pack_row(a, i);
  });
  cpu::multiply_words<cpu::Bf16Dot, cpu::Nvfp4Blocks, false>(chains_of(a), e.pool);
}

}  // namespace nibble::gemm_nvfp4_bf16
