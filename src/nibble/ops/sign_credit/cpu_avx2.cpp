#include <immintrin.h>

#include "nibble/ops/sign_credit/kernels.h"

namespace nibble::sign_credit {
namespace {

// z where the bit is set and 0 elsewhere, for 16 of a block's signs.
inline __m256i chosen(uint16_t bits, __m256i z) {
  const __m256i lane = _mm256_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096,
                                         8192, 16384, int16_t(0x8000));
  const __m256i own = _mm256_and_si256(_mm256_set1_epi16(int16_t(bits)), lane);
  return _mm256_and_si256(_mm256_cmpeq_epi16(own, lane), z);
}

// From sums of 16 bits, four columns of four rows each, to the rows of a block: pairs of columns
// become words of 32 bits, which are transposed.
inline void rows_of(const __m256i (&sums)[4], __m256i (&rows)[4]) {
  const __m256i pairs = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15));
  __m256i x[4];
  for (int i = 0; i < 4; ++i) x[i] = _mm256_shuffle_epi8(sums[i], pairs);
  const __m256i low01 = _mm256_unpacklo_epi32(x[0], x[1]);
  const __m256i low23 = _mm256_unpacklo_epi32(x[2], x[3]);
  const __m256i high01 = _mm256_unpackhi_epi32(x[0], x[1]);
  const __m256i high23 = _mm256_unpackhi_epi32(x[2], x[3]);
  // Columns 0 1 4 5 8 9 12 13 in the lower half and the others in the upper one.
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  rows[0] = _mm256_permutevar8x32_epi32(_mm256_unpacklo_epi64(low01, low23), order);
  rows[1] = _mm256_permutevar8x32_epi32(_mm256_unpackhi_epi64(low01, low23), order);
  rows[2] = _mm256_permutevar8x32_epi32(_mm256_unpacklo_epi64(high01, high23), order);
  rows[3] = _mm256_permutevar8x32_epi32(_mm256_unpackhi_epi64(high01, high23), order);
}

// 2 sums - sum of all, to 8 of `columns` gradients.
inline void add(int32_t* g, int columns, __m128i sums, __m256i all) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(columns), lanes);
  const __m256i twice = _mm256_slli_epi32(_mm256_cvtepi16_epi32(sums), 1);
  const __m256i old = _mm256_maskload_epi32(g, mask);
  _mm256_maskstore_epi32(g, mask, _mm256_add_epi32(old, _mm256_sub_epi32(twice, all)));
}

}  // namespace

void avx2(const Args& a, const Exec& e) {
  const int64_t words = sign_words(a.k, a.n);
  for_blocks(a, e, [&](const Codes& codes, int first, int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      __m256i sums[4] = {};
      for (int p = 0; p < codes.count; ++p) {
        const uint16_t* bits = a.e + (first + p) * words + block * 4;
        const __m256i z = _mm256_set1_epi16(codes.z[p]);
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) sums[i] = _mm256_add_epi16(sums[i], chosen(bits[i], z));
      }
      const Place to = place_of(a, block);
      const __m256i all = _mm256_set1_epi32(codes.sum);
      __m256i rows[4];
      rows_of(sums, rows);
      for (int i = 0; i < kSignBlock; ++i) {
        int32_t* g = to.g + int64_t(i) * a.n;
        add(g, to.columns, _mm256_castsi256_si128(rows[i]), all);
        add(g + 8, to.columns - 8, _mm256_extracti128_si256(rows[i], 1), all);
      }
    }
  });
}

}  // namespace nibble::sign_credit
