#include <immintrin.h>

#include <cstring>

#include "nibble/ops/sign_credit/kernels.h"

namespace nibble::sign_credit {
namespace {

constexpr int kBlocks = 8;  // whose sums stay in 16 registers: a cache line of each matrix's signs

// Rows `first` and `first` + 1 of a block from its sums, columns 0..7 and 8..15 of four rows each.
struct Rows {
  __m512i even, odd;
};
inline Rows rows_of(__m512i low, __m512i high, int first, __m512i sum) {
  const __m512i lanes = _mm512_set_epi16(31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17,
                                         16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  // Lane c of 16 takes column c of row `first`, the 16 behind it the next row. Of the two sources,
  // column c stands at 4 c + row: the second one begins at 32.
  const __m512i column = _mm512_and_si512(lanes, _mm512_set1_epi16(15));
  const __m512i row = _mm512_srli_epi16(lanes, 4);
  const __m512i from = _mm512_add_epi16(_mm512_slli_epi16(column, 2),
                                        _mm512_add_epi16(row, _mm512_set1_epi16(int16_t(first))));
  const __m512i both = _mm512_permutex2var_epi16(low, from, high);
  const auto widen = [&](__m256i half) {
    return _mm512_sub_epi32(_mm512_slli_epi32(_mm512_cvtepi16_epi32(half), 1), sum);
  };
  return {widen(_mm512_castsi512_si256(both)), widen(_mm512_extracti64x4_epi64(both, 1))};
}

inline void add(int32_t* g, __mmask16 columns, __m512i x) {
  _mm512_mask_storeu_epi32(g, columns, _mm512_add_epi32(_mm512_maskz_loadu_epi32(columns, g), x));
}

template <int B>
void blocks_of(const Args& a, const Codes& codes, int first, int64_t block) {
  const int64_t words = sign_words(a.k, a.n);
  const uint16_t* bits = a.e + first * words + block * 4;
  __m512i acc[2 * B];
#pragma GCC unroll 16
  for (int i = 0; i < 2 * B; ++i) acc[i] = _mm512_setzero_si512();
  for (int p = 0; p < codes.count; ++p, bits += words) {
    const __m512i z = _mm512_set1_epi16(codes.z[p]);
#pragma GCC unroll 16
    for (int i = 0; i < 2 * B; ++i) {
      uint32_t set;
      std::memcpy(&set, bits + 2 * i, sizeof set);
      acc[i] = _mm512_mask_add_epi16(acc[i], set, acc[i], z);
    }
  }
  const __m512i sum = _mm512_set1_epi32(codes.sum);
#pragma GCC unroll 8
  for (int b = 0; b < B; ++b) {
    const Place to = place_of(a, block + b);
    const auto columns = __mmask16((1u << to.columns) - 1);
    for (int row = 0; row < kSignBlock; row += 2) {
      const Rows two = rows_of(acc[2 * b], acc[2 * b + 1], row, sum);
      add(to.g + int64_t(row) * a.n, columns, two.even);
      add(to.g + int64_t(row + 1) * a.n, columns, two.odd);
    }
  }
}

}  // namespace

void avx512(const Args& a, const Exec& e) {
  for_blocks(a, e, [&](const Codes& codes, int first, int64_t begin, int64_t end) {
    int64_t block = begin;
    for (; block + kBlocks <= end; block += kBlocks) blocks_of<kBlocks>(a, codes, first, block);
    for (; block < end; ++block) blocks_of<1>(a, codes, first, block);
  });
}

}  // namespace nibble::sign_credit
