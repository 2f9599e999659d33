#include "nibble/ops/relu2_quantise/kernel.h"

namespace nibble::relu2_quantise {
namespace {

constexpr int kColumns = 64;  // four registers of accumulators make one of codes

// Codes of 16 columns in 32-bit lanes.
__m512i codes_of(__m512i x, __m512 unit) {
  const __m512i positive = _mm512_max_epi32(x, _mm512_setzero_si512());
  const __m512 u = _mm512_mul_ps(_mm512_cvtepi32_ps(positive), unit);
  return _mm512_cvtps_epi32(_mm512_min_ps(_mm512_mul_ps(u, u), _mm512_set1_ps(127.0f)));
}

// 64 columns, from `column` on, of rows that read the same row of noise, or none.
template <bool kNoise>
void rows_of_columns(const Args& a, int64_t begin, int64_t end, int column, const uint16_t* noise) {
  // Packing works within 128-bit quarters: dword 4 q + i of its result holds columns 16 i + 4 q and
  // the three behind.
  const __m512i quarters = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512 unit = _mm512_set1_ps(a.unit);
  __mmask16 plus[4];
  for (int i = 0; i < 4; ++i) plus[i] = kNoise ? __mmask16(noise[column / 16 + i]) : __mmask16(0);
  const int32_t* acc = a.acc + begin * a.n + column;
  int8_t* h = a.h + begin * a.n + column;
  for (int64_t r = begin; r < end; ++r, acc += a.n, h += a.n) {
    const __m512i step = _mm512_set1_epi32(a.steps ? a.steps[r] : a.step);
    __m512i x[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      x[i] = _mm512_loadu_si512(acc + 16 * i);
      if (kNoise) x[i] = _mm512_mask_add_epi32(_mm512_sub_epi32(x[i], step), plus[i], x[i], step);
      x[i] = codes_of(x[i], unit);
    }
    const __m512i codes =
        _mm512_packs_epi16(_mm512_packs_epi32(x[0], x[1]), _mm512_packs_epi32(x[2], x[3]));
    _mm512_storeu_si512(h, _mm512_permutexvar_epi32(quarters, codes));
  }
}

void rows(const Args& a, int64_t begin, int64_t end) {
  if (!a.noise) {
    for (int j = 0; j < a.n; j += kColumns) rows_of_columns<false>(a, begin, end, j, nullptr);
    return;
  }
  int64_t noise_row = begin / a.share;
  for (; begin < end; ++noise_row) {
    const int64_t last = (noise_row + 1) * a.share, next = last < end ? last : end;
    for (int j = 0; j < a.n; j += kColumns)
      rows_of_columns<true>(a, begin, next, j, a.noise + noise_row * (a.n / 16));
    begin = next;
  }
}

}  // namespace

void avx512(const Args& a, const Exec& e) {
  if (a.n % kColumns != 0) return run(a, e);
  parallel_for(e.pool, a.rows, 64, [&](int64_t begin, int64_t end) { rows(a, begin, end); });
}

}  // namespace nibble::relu2_quantise
