#include <immintrin.h>

#include <cstring>

#include "nibble/ops/sign_noise/kernels.h"

namespace nibble::sign_noise {
namespace {

constexpr int kRows = 4;  // 4 rows x 2 halves of a panel, their signs, constants: 13 registers
// Blocks whose pair sums, at most 2 * 127 each, fit 16 bits together: 128 * 254 < 2^15.
constexpr int kBlocks = 128;

// 32 signs of 8 columns as bytes 0 or 1: each byte keeps its bit of a copy of its eight.
inline __m256i expand(const uint16_t* e) {
  int32_t bits;
  std::memcpy(&bits, e, sizeof bits);
  const __m256i spread = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1,  //
                                          2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
  const __m256i own = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(bits), spread),
                                       _mm256_set1_epi64x(int64_t(0x8040201008040201u)));
  return _mm256_min_epu8(own, _mm256_set1_epi8(1));
}

// sum_k x[k], 16 codes at a time: pairs of bytes, then pairs of those.
inline int32_t add_up(const int8_t* x, int k) {
  __m128i sums = _mm_setzero_si128();
  for (int i = 0; i < k; i += 16) {
    const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x + i));
    const __m128i pairs = _mm_maddubs_epi16(_mm_set1_epi8(1), codes);
    sums = _mm_add_epi32(sums, _mm_madd_epi16(pairs, _mm_set1_epi16(1)));
  }
  sums = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(sums, _mm_shuffle_epi32(sums, 0xb1)));
}

inline void put(const Args& a, int64_t at, __m256i sum, int32_t row_sum) {
  sum = _mm256_sub_epi32(_mm256_slli_epi32(sum, 1), _mm256_set1_epi32(row_sum));
  const __m256 step = _mm256_mul_ps(_mm256_cvtepi32_ps(sum), _mm256_set1_ps(a.unit));
  const __m256 bound = _mm256_set1_ps(0x1p24f), least = _mm256_set1_ps(-0x1p24f);
  const __m256i whole = _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(step, least), bound));
  const __m256i acc = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a.acc + at));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(a.y + at), _mm256_add_epi32(acc, whole));
}

template <int R>
void tile(const Args& a, int64_t row, int column, const int32_t* row_sums) {
  const int8_t* x = a.x + row * a.ldx;
  const uint16_t* e = a.e + sign_block(a.k, 0, column) * 4;
  const int blocks = a.k / kSignBlock;
  __m256i sums[R][2];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) sums[r][0] = sums[r][1] = _mm256_setzero_si256();
  for (int q = 0; q < blocks;) {
    const int end = blocks - q < kBlocks ? blocks : q + kBlocks;
    __m256i pairs[R][2];
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) pairs[r][0] = pairs[r][1] = _mm256_setzero_si256();
    for (; q < end; ++q) {
      const __m256i low = expand(e + 4 * q), high = expand(e + 4 * q + 2);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) {
        int32_t word;
        std::memcpy(&word, x + r * a.ldx + q * kSignBlock, sizeof word);
        const __m256i codes = _mm256_set1_epi32(word);
        pairs[r][0] = _mm256_add_epi16(pairs[r][0], _mm256_maddubs_epi16(low, codes));
        pairs[r][1] = _mm256_add_epi16(pairs[r][1], _mm256_maddubs_epi16(high, codes));
      }
    }
    const __m256i ones = _mm256_set1_epi16(1);
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r)
      for (int half = 0; half < 2; ++half)
        sums[r][half] = _mm256_add_epi32(sums[r][half], _mm256_madd_epi16(pairs[r][half], ones));
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r)
    for (int half = 0; half < 2; ++half)
      put(a, (row + r) * a.n + column + 8 * half, sums[r][half], row_sums[r]);
}

template <int R>
void rows(const Args& a, int64_t row) {
  int32_t sums[R];
  for (int r = 0; r < R; ++r) sums[r] = add_up(a.x + (row + r) * a.ldx, a.k);
  for (int column = 0; column < a.n; column += kSignPanel) tile<R>(a, row, column, sums);
}

}  // namespace

void avx2(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, kRowsPerTask, [&](int64_t begin, int64_t end) {
    int64_t row = begin;
    for (; row + kRows <= end; row += kRows) rows<kRows>(a, row);
    for (; row < end; ++row) rows<1>(a, row);
  });
}

}  // namespace nibble::sign_noise
