#include <immintrin.h>

#include <cstring>

#include "nibble/ops/noise_bits/kernels.h"

namespace nibble::noise_bits {
namespace {

// Upper and lower halves of 8 products with one factor: even lanes in place, odd lanes moved down.
inline void wide_product(__m256i x, uint32_t factor, __m256i& high, __m256i& low) {
  const __m256i f = _mm256_set1_epi32(int32_t(factor));
  const __m256i even = _mm256_mul_epu32(x, f);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(x, 32), f);
  low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
  high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}

// 8 blocks, one word of each per register.
inline void blocks(const Args& a, uint32_t first, __m256i c[4]) {
  c[0] = _mm256_add_epi32(_mm256_set1_epi32(int32_t(first)),
                          _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  for (int i = 1; i < 4; ++i) c[i] = _mm256_set1_epi32(int32_t(a.counter[i - 1]));
  uint32_t k0 = a.key[0], k1 = a.key[1];
  for (int round = 0; round < 10; ++round) {
    __m256i high0, low0, high1, low1;
    wide_product(c[0], 0xD2511F53u, high0, low0);
    wide_product(c[2], 0xCD9E8D57u, high1, low1);
    c[0] = high1 ^ c[1] ^ _mm256_set1_epi32(int32_t(k0));
    c[2] = high0 ^ c[3] ^ _mm256_set1_epi32(int32_t(k1));
    c[1] = low1, c[3] = low0;
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
}

}  // namespace

void avx2(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.words / 4, 1024, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += 8) {
      __m256i c[4];
      blocks(a, uint32_t(i), c);
      alignas(32) uint32_t words[4][8];
      for (int j = 0; j < 4; ++j) _mm256_store_si256(reinterpret_cast<__m256i*>(words[j]), c[j]);
      for (int b = 0; b < 8 && i + b < end; ++b)
        for (int j = 0; j < 4; ++j) a.out[4 * (i + b) + j] = words[j][b];
    }
  });
}

}  // namespace nibble::noise_bits
