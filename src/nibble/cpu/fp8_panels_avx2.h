// Tiles of fp8_panels.h for AVX2: a code moved to the upper half of a word and one to the right is
// an fp16 of 2^-8 times its value, subnormals too, which F16C makes a float of; sums are repaid 2^8
// at the end. Included by cpu_avx2.cpp of ops only.
#pragma once
#include <immintrin.h>

#include "nibble/cpu/fp8_panels.h"
#include "nibble/cpu/unrolled.h"

namespace nibble::cpu {
namespace {

// Half a line: 8 rows, of which lanes are columns (0, 2) and (1, 3) of 4 rows. The code of NaN is
// 1.875 * 2^8 so far, and is noted in the dword of its row.
struct HalfLine {
  __m256 even[2], odd[2];
  HalfLine(const uint8_t* p, __m256i& nan) {
    const __m256i v = _mm256_load_si256(reinterpret_cast<const __m256i*>(p));
    const __m256i seven = _mm256_set1_epi8(0x7f), fp16 = _mm256_set1_epi16(short(0xbf80));
    nan = _mm256_or_si256(nan, _mm256_cmpeq_epi8(_mm256_and_si256(v, seven), seven));
    const auto floats = [&](__m256i upper, __m256(&to)[2]) {
      const __m256i words = _mm256_and_si256(_mm256_srai_epi16(upper, 1), fp16);
      to[0] = _mm256_cvtph_ps(_mm256_castsi256_si128(words));
      to[1] = _mm256_cvtph_ps(_mm256_extracti128_si256(words, 1));
    };
    floats(_mm256_slli_epi16(v, 8), even);
    floats(v, odd);
  }
};

inline __m256 broadcast_pair(const uint8_t* p) {
  double both;
  std::memcpy(&both, p, 8);
  return _mm256_castpd_ps(_mm256_set1_pd(both));
}

// kHalves halves of a panel from `half` on, for R rows: 4 R kHalves sums.
template <int R, int kHalves>
void fp8_halves_avx2(const Fp8Tile& t, int half, float (*total)[kPanelRows], __m256i* nan) {
  const uint8_t *w = t.w + 32 * half, *x = t.groups;
  int64_t block = 0;
  for (int64_t line = 0; line < t.lines; line += t.block_lines, ++block) {
    __m256 sum[2][R][2 * kHalves];
    unrolled<R>([&](auto r) {
      unrolled<2 * kHalves>([&](auto q) { sum[0][r][q] = sum[1][r][q] = _mm256_setzero_ps(); });
    });
    const int64_t lines = std::min(t.block_lines, t.lines - line);
    for (const uint8_t* end = w + 64 * lines; w != end; w += 128, x += 2 * R * FloatGroups::kBytes)
      unrolled<2>([&](auto parity) {
        _mm_prefetch(reinterpret_cast<const char*>(w + 64 * parity + 4096), _MM_HINT_T0);
        unrolled<kHalves>([&](auto h) {
          const HalfLine codes(w + 64 * parity + 32 * h, nan[h]);
          unrolled<R>([&](auto r) {
            const uint8_t* group = x + (parity * R + r) * FloatGroups::kBytes;
            const __m256 odd = broadcast_pair(group), even = broadcast_pair(group + 8);
            unrolled<2>([&](auto q) {
              __m256& s = sum[parity][r][2 * h + q];
              s = _mm256_fmadd_ps(codes.even[q], even, _mm256_fmadd_ps(codes.odd[q], odd, s));
            });
          });
        });
      });
    unrolled<R>([&](auto r) {
      const __m256 factor = _mm256_set1_ps(fp8_factor(t, r, block));
      unrolled<kHalves>([&](auto h) {
        // Lanes of rows 0 and 1, then 2 and 3; after the sum of pairs, rows 0 1 4 5 2 3 6 7.
        const __m256 low = _mm256_add_ps(sum[0][r][2 * h], sum[1][r][2 * h]);
        const __m256 high = _mm256_add_ps(sum[0][r][2 * h + 1], sum[1][r][2 * h + 1]);
        const __m256 pairs = _mm256_hadd_ps(low, high);
        const __m256 rows = _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(pairs), 0xd8));
        float* to = total[r] + 8 * (half + h);
        const __m256 all = _mm256_mul_ps(rows, _mm256_set1_ps(256));
        _mm256_store_ps(to, _mm256_fmadd_ps(all, factor, _mm256_load_ps(to)));
      });
    });
  }
}

template <int R>
void fp8_tile_avx2(const Fp8Tile& t) {
  alignas(32) float total[R][kPanelRows] = {};
  __m256i nan[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
  if constexpr (R == 1) {
    fp8_halves_avx2<R, 2>(t, 0, total, nan);
  } else {
    for (int h = 0; h < 2; ++h) fp8_halves_avx2<R, 1>(t, h, total, nan + h);
  }
  alignas(32) uint32_t nans[kPanelRows];
  for (int h = 0; h < 2; ++h) _mm256_store_si256(reinterpret_cast<__m256i*>(nans + 8 * h), nan[h]);
  for (int r = 0; r < R; ++r)
    for (int j = 0; j < t.columns; ++j) fp8_store(t, r, j, total[r][j], nans[j] != 0);
}

template <class Args>
void run_fp8_avx2(const Args& a, const Fp8Scales& s, const Exec& e) {
  const auto tile = [](int rows, const Fp8Tile& t) {
    rows == 1 ? fp8_tile_avx2<1>(t) : fp8_tile_avx2<2>(t);
  };
  run_fp8<FloatGroups, 2>(a, s, e, fp8_copy<FloatGroups, Element<Args>>, tile);
}

}  // namespace
}  // namespace nibble::cpu
