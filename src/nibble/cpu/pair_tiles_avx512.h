// Products of bf16 weights in panels of 16 columns, pairs of k side by side, by int8 rows that have
// been widened: float sums of 8 rows by up to three panels stay in registers and are stored rounded
// to int32. Included by cpu_avx512*.cpp only. Kernel:
//   Widened                            what x is widened to
//   add<R, P>(acc, x, ldx, w, panel)   adds a pair of k to the sums of R rows by P panels, which
//                                      are `panel` elements apart
#pragma once
#include <immintrin.h>

#include <cstdint>

#include "nibble/numerics/bf16.h"

namespace nibble::cpu {
namespace {

constexpr int kPairPanel = 16;
constexpr int kPairRows = 8;  // x 2 panels = 16 chains, x 3 = 24

template <class Kernel, int R, int P, class Args>
void pair_tile(const Args& a, const typename Kernel::Widened* x, const bf16* w, int32_t* y) {
  const int64_t panel = int64_t(kPairPanel) * a.k;
  __m512 acc[R][P];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) acc[r][p] = _mm512_setzero_ps();
#pragma GCC unroll 4
  for (int k = 0; k < a.k; k += 2)
    Kernel::template add<R, P>(acc, x + k, a.ldx, w + int64_t(k) * kPairPanel, panel);
  const __m512 most = _mm512_set1_ps(0x1p30f), least = _mm512_set1_ps(-0x1p30f);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p)
      _mm512_storeu_si512(y + r * a.ldy + p * kPairPanel,
                          _mm512_cvtps_epi32(_mm512_min_ps(_mm512_max_ps(acc[r][p], least), most)));
}

template <class Kernel, int P, class Args>
void pair_panels(const Args& a, const typename Kernel::Widened* x, int64_t begin, int64_t end,
                 int column) {
  const bf16* w = a.w + int64_t(column) * a.k;
  int64_t i = begin;
  for (; i + kPairRows <= end; i += kPairRows)
    pair_tile<Kernel, kPairRows, P>(a, x + i * a.ldx, w, a.y + i * a.ldy + column);
  for (; i < end; ++i) pair_tile<Kernel, 1, P>(a, x + i * a.ldx, w, a.y + i * a.ldy + column);
}

// Two panels at a time, and three at the end of an odd number, as in gemm_s8.
template <class Kernel, class Args>
void pair_rows(const Args& a, const typename Kernel::Widened* x, int64_t begin, int64_t end) {
  for (int column = 0; column < a.n;) {
    const int left = (a.n - column) / kPairPanel;
    if (left == 1)
      pair_panels<Kernel, 1>(a, x, begin, end, column), column += kPairPanel;
    else if (left == 3)
      pair_panels<Kernel, 3>(a, x, begin, end, column), column += 3 * kPairPanel;
    else
      pair_panels<Kernel, 2>(a, x, begin, end, column), column += 2 * kPairPanel;
  }
}

inline __m512 floats_of(const int8_t* x) {
  return _mm512_cvtepi32_ps(
      _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x))));
}

}  // namespace
}  // namespace nibble::cpu
