// Sixteen vectors folded to one: lane i is the fold of the lanes of vector i, in the order of
// numerics/reduce.h (8 + 8, 4 + 4, 2 + 2, 1 + 1). Fifteen operations and two shuffles for each of
// them, where one vector after the other would take 64 and 64. Included by cpu_avx512*.cpp only.
#pragma once
#include "nibble/cpu/math_avx512.h"

namespace nibble::cpu {
namespace {

template <class Fold>
[[maybe_unused, gnu::always_inline]] inline __m512 fold_rows(const __m512* x, Fold fold) {
  __m512 two[2];
  for (int h = 0; h < 2; ++h) {
    __m512 four[2];
    for (int g = 0; g < 2; ++g) {
      // Quarters: a, b, c, d of four rows.
      const __m512* r = x + 8 * h + 4 * g;
      const auto halves = [&](__m512 a, __m512 b) {
        return fold(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
      };
      const __m512 ab = halves(r[0], r[1]), cd = halves(r[2], r[3]);
      four[g] = fold(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
    }
    const __m512d a = _mm512_castps_pd(four[0]), b = _mm512_castps_pd(four[1]);
    two[h] = fold(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)),
                  _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));
  }
  const __m512 all =
      fold(_mm512_shuffle_ps(two[0], two[1], 0x88), _mm512_shuffle_ps(two[0], two[1], 0xdd));
  // Quarter q holds rows q, q + 4, q + 8, q + 12.
  return _mm512_permutexvar_ps(
      _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), all);
}

[[maybe_unused]] inline F32x16 sums_of(const F32x16* rows) {
  return fold_rows(&rows->v, [](__m512 a, __m512 b) { return _mm512_add_ps(a, b); });
}
[[maybe_unused]] inline F32x16 maxima_of(const F32x16* rows) {
  return fold_rows(&rows->v, [](__m512 a, __m512 b) { return _mm512_max_ps(a, b); });
}

[[maybe_unused]] inline __m512i sums_of(const __m512i* rows) {
  __m512 x[16];
  for (int i = 0; i < 16; ++i) x[i] = _mm512_castsi512_ps(rows[i]);
  return _mm512_castps_si512(fold_rows(x, [](__m512 a, __m512 b) {
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b)));
  }));
}

}  // namespace
}  // namespace nibble::cpu
