#include <immintrin.h>

#include <cstring>

#include "nibble/ops/sign_noise/kernels.h"

namespace nibble::sign_noise {
namespace {

constexpr int kRows = 8;  // x 2 panels = 16 chains of vpdpbusd, x 3 = 24

// sum_k x[k] of each row of a tile: with every b set.
template <int R>
void add_up(const Args& a, const int8_t* x, int32_t* sums) {
  const __m512i ones = _mm512_set1_epi8(1);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r, x += a.ldx) {
    __m512i sum = _mm512_setzero_si512();
    int k = 0;
    for (; k + 64 <= a.k; k += 64) sum = _mm512_dpbusd_epi32(sum, ones, _mm512_loadu_si512(x + k));
    const __mmask64 rest = (uint64_t(1) << (a.k - k)) - 1;
    sum = _mm512_dpbusd_epi32(sum, ones, _mm512_maskz_loadu_epi8(rest, x + k));
    sums[r] = _mm512_reduce_add_epi32(sum);
  }
}

// P panels for R rows: 64 signs of 0 or 1 are the unsigned operand, four codes of a row the signed
// one. |2 sum x b| <= 2^24.
template <int R, int P>
void tile(const Args& a, int64_t row, int column, const int32_t* sums) {
  const int8_t* x = a.x + row * a.ldx;
  const uint16_t* e = a.e + sign_block(a.k, 0, column) * 4;
  __m512i acc[R][P];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) acc[r][p] = _mm512_setzero_si512();
  const __m512i ones = _mm512_set1_epi8(1);
  const int64_t panel = a.k;  // words
#pragma GCC unroll 4
  for (int k = 0; k < a.k; k += kSignBlock, e += 4) {
    __m512i set[P];
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) {
      uint64_t bits;
      std::memcpy(&bits, e + p * panel, sizeof bits);
      set[p] = _mm512_maskz_mov_epi8(bits, ones);
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      int32_t word;
      std::memcpy(&word, x + r * a.ldx + k, sizeof word);
      const __m512i codes = _mm512_set1_epi32(word);
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) acc[r][p] = _mm512_dpbusd_epi32(acc[r][p], set[p], codes);
    }
  }
  const __m512 unit = _mm512_set1_ps(a.unit), bound = _mm512_set1_ps(0x1p24f);
  const __m512 least = _mm512_set1_ps(-0x1p24f);
  const int64_t n = a.n;
  const int32_t* from = a.acc + row * n + column;
  int32_t* to = a.y + row * n + column;
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) {
      const __m512i sum =
          _mm512_sub_epi32(_mm512_slli_epi32(acc[r][p], 1), _mm512_set1_epi32(sums[r]));
      const __m512 step = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), unit);
      const __m512i whole = _mm512_cvtps_epi32(_mm512_min_ps(_mm512_max_ps(step, least), bound));
      const int64_t at = r * n + p * kSignPanel;
      _mm512_storeu_si512(to + at, _mm512_add_epi32(_mm512_loadu_si512(from + at), whole));
    }
}

// Two panels at a time, and three at the end of an odd number, as in gemm_s8: each broadcast of
// four codes then meets two lines of signs.
template <int R>
void rows(const Args& a, int64_t row) {
  int32_t sums[R];
  add_up<R>(a, a.x + row * a.ldx, sums);
  for (int column = 0; column < a.n;) {
    const int left = (a.n - column) / kSignPanel;
    if (left == 1)
      tile<R, 1>(a, row, column, sums), column += kSignPanel;
    else if (left == 3)
      tile<R, 3>(a, row, column, sums), column += 3 * kSignPanel;
    else
      tile<R, 2>(a, row, column, sums), column += 2 * kSignPanel;
  }
}

}  // namespace

void avx512_vnni(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, kRowsPerTask, [&](int64_t begin, int64_t end) {
    int64_t row = begin;
    for (; row + kRows <= end; row += kRows) rows<kRows>(a, row);
    for (; row + 4 <= end; row += 4) rows<4>(a, row);
    for (; row < end; ++row) rows<1>(a, row);
  });
}

}  // namespace nibble::sign_noise
