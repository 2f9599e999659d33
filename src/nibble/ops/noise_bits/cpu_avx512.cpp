#include <immintrin.h>

#include "nibble/ops/noise_bits/kernels.h"

namespace nibble::noise_bits {
namespace {

// Upper and lower halves of 16 products with one factor: even lanes in place, odd lanes moved down.
inline void wide_product(__m512i x, uint32_t factor, __m512i& high, __m512i& low) {
  const __m512i f = _mm512_set1_epi32(int32_t(factor));
  const __m512i even = _mm512_mul_epu32(x, f);
  const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(x, 32), f);
  low = _mm512_mask_mov_epi32(even, 0xaaaa, _mm512_slli_epi64(odd, 32));
  high = _mm512_mask_mov_epi32(_mm512_srli_epi64(even, 32), 0xaaaa, odd);
}

// 16 blocks whose first counter words are first..first + 15, one word of each block per register.
inline void blocks(const Args& a, uint32_t first, __m512i c[4]) {
  c[0] = _mm512_add_epi32(_mm512_set1_epi32(int32_t(first)),
                          _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  for (int i = 1; i < 4; ++i) c[i] = _mm512_set1_epi32(int32_t(a.counter[i - 1]));
  uint32_t k0 = a.key[0], k1 = a.key[1];
  for (int round = 0; round < 10; ++round) {
    __m512i high0, low0, high1, low1;
    wide_product(c[0], 0xD2511F53u, high0, low0);
    wide_product(c[2], 0xCD9E8D57u, high1, low1);
    // 0x96: exclusive-or of three.
    c[0] = _mm512_ternarylogic_epi32(high1, c[1], _mm512_set1_epi32(int32_t(k0)), 0x96);
    c[2] = _mm512_ternarylogic_epi32(high0, c[3], _mm512_set1_epi32(int32_t(k1)), 0x96);
    c[1] = low1, c[3] = low0;
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
}

// From words of 16 blocks to 16 blocks of words: a transpose of 4 x 16 into 16 x 4.
inline void transpose(__m512i c[4]) {
  const __m512i a = _mm512_unpacklo_epi32(c[0], c[1]), b = _mm512_unpackhi_epi32(c[0], c[1]);
  const __m512i d = _mm512_unpacklo_epi32(c[2], c[3]), e = _mm512_unpackhi_epi32(c[2], c[3]);
  // Block 4 q + i stands in quarter q of t[i].
  const __m512i t0 = _mm512_unpacklo_epi64(a, d), t1 = _mm512_unpackhi_epi64(a, d);
  const __m512i t2 = _mm512_unpacklo_epi64(b, e), t3 = _mm512_unpackhi_epi64(b, e);
  const __m512i u0 = _mm512_shuffle_i32x4(t0, t1, 0x44), u1 = _mm512_shuffle_i32x4(t2, t3, 0x44);
  const __m512i u2 = _mm512_shuffle_i32x4(t0, t1, 0xee), u3 = _mm512_shuffle_i32x4(t2, t3, 0xee);
  c[0] = _mm512_shuffle_i32x4(u0, u1, 0x88);
  c[1] = _mm512_shuffle_i32x4(u0, u1, 0xdd);
  c[2] = _mm512_shuffle_i32x4(u2, u3, 0x88);
  c[3] = _mm512_shuffle_i32x4(u2, u3, 0xdd);
}

}  // namespace

void avx512(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.words / 4, 1024, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += 16) {
      __m512i c[4];
      blocks(a, uint32_t(i), c);
      transpose(c);
      for (int j = 0; j < 4 && i + 4 * j < end; ++j) {
        const int left = int(end - i - 4 * j);
        _mm512_mask_storeu_epi32(a.out + 4 * i + 16 * j,
                                 __mmask16(left >= 4 ? 0xffff : (1 << 4 * left) - 1), c[j]);
      }
    }
  });
}

}  // namespace nibble::noise_bits
