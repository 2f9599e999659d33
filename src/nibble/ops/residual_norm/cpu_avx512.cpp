#include "nibble/cpu/fold_avx512.h"
#include "nibble/ops/residual_norm/kernel.h"

namespace nibble::residual_norm {
namespace {

constexpr int kRows = 16;     // whose sums and divisions share a vector
constexpr int kColumns = 64;  // one register of codes, four of accumulators

// Packing works within 128-bit quarters: dword 4 q + i of its result holds columns 16 i + 4 q and
// the three behind. The order is its own inverse.
__m512i quarters() {
  return _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
}

struct Words {  // of 64 columns, as packing leaves them
  __m512i low, high;
};

// rne(f(i)) of columns 16 i..16 i + 15, saturated to int16. |f(i)| < 2^31.
template <class Fn>
Words rounded(Fn f) {
  __m512i x[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) x[i] = _mm512_cvtps_epi32(f(i));
  return {_mm512_packs_epi32(x[0], x[1]), _mm512_packs_epi32(x[2], x[3])};
}

// Bytes in packing's order, -128 excluded.
__m512i codes_of(Words w) {
  return _mm512_max_epi8(_mm512_packs_epi16(w.low, w.high), _mm512_set1_epi8(-127));
}

// 64 columns of x' from `at` on, with +step where a bit of plus is set and -step elsewhere; returns
// their magnitudes summed by eights.
template <bool kNoise, bool kIncrements>
__m512i add_columns(const Args& a, int64_t at, __m512i step, const __mmask16* plus) {
  const __m512i zero = _mm512_setzero_si512();
  __m512i x = _mm512_loadu_si512(a.x + at);
  if (a.acc) {
    const __m512 scale = _mm512_set1_ps(a.scale);
    Words sum = rounded([&](int i) {
      __m512i more = _mm512_loadu_si512(a.acc + at + 16 * i);
      if (kNoise) more = _mm512_mask_add_epi32(_mm512_sub_epi32(more, step), plus[i], more, step);
      // Increments would leave int32 where they round to 2^31.
      if (kIncrements) more = _mm512_min_epi32(more, _mm512_set1_epi32(INT32_MAX - 127));
      return _mm512_mul_ps(_mm512_cvtepi32_ps(more), scale);
    });
    x = _mm512_permutexvar_epi32(quarters(), x);
    sum.low = _mm512_adds_epi16(sum.low, _mm512_srai_epi16(_mm512_unpacklo_epi8(x, x), 8));
    sum.high = _mm512_adds_epi16(sum.high, _mm512_srai_epi16(_mm512_unpackhi_epi8(x, x), 8));
    x = codes_of(sum);
    _mm512_storeu_si512(a.x_out + at, _mm512_permutexvar_epi32(quarters(), x));
  }
  return _mm512_sad_epu8(_mm512_abs_epi8(x), zero);
}

// Adds the magnitudes of 64 columns, from j on, of each row to its lanes. Rows that read the same
// row of noise keep its bits in mask registers.
template <bool kNoise, bool kIncrements>
void add_rows(const Args& a, int64_t first, int rows, int64_t noise_row, int j, __m512i* lanes) {
  for (int i = 0; i < rows; ++noise_row) {
    const int64_t left = kNoise ? (noise_row + 1) * a.share - first : rows;
    const int next = left < rows ? int(left) : rows;
    __mmask16 plus[4] = {};
    for (int q = 0; q < 4 && kNoise; ++q)
      plus[q] = __mmask16(a.noise[noise_row * (a.n / 16) + j / 16 + q]);
    for (; i < next; ++i) {
      const int64_t r = first + i;
      const __m512i step = _mm512_set1_epi32(a.steps ? a.steps[r] : a.step);
      lanes[i] =
          _mm512_add_epi32(lanes[i], add_columns<kNoise, kIncrements>(a, r * a.n + j, step, plus));
    }
  }
}

void norm_columns(const int8_t* x, int8_t* y, __m512 factor) {
  const Words w = rounded([&](int i) {
    const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x + 16 * i));
    return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(codes)), factor);
  });
  _mm512_storeu_si512(y, _mm512_permutexvar_epi32(quarters(), codes_of(w)));
}

void block_of_rows(const Args& a, int64_t first, int rows) {
  __m512i lanes[kRows];
  for (__m512i& lane : lanes) lane = _mm512_setzero_si512();
  const int64_t noise_row = a.noise ? first / a.share : 0;
  for (int j = 0; j < a.n; j += kColumns)
    a.noise        ? add_rows<true, false>(a, first, rows, noise_row, j, lanes)
    : a.scale == 1 ? add_rows<false, true>(a, first, rows, noise_row, j, lanes)
                   : add_rows<false, false>(a, first, rows, noise_row, j, lanes);
  if (!a.y) return;
  const __m512i sums = _mm512_max_epi32(cpu::sums_of(lanes), _mm512_set1_epi32(a.n));
  alignas(64) float factors[kRows];
  _mm512_store_ps(
      factors, _mm512_div_ps(_mm512_set1_ps(a.mean_code * float(a.n)), _mm512_cvtepi32_ps(sums)));
  const int8_t* x = a.acc ? a.x_out : a.x;
  for (int i = 0; i < rows; ++i) {
    const __m512 factor = _mm512_set1_ps(factors[i]);
    for (int64_t at = (first + i) * a.n; at < (first + i + 1) * a.n; at += kColumns)
      norm_columns(x + at, a.y + at, factor);
  }
}

// |float(acc) * scale| and |x' * factor| <= 127 * mean_code have to stay below 2^31: what saturates
// then does so when it is packed.
bool saturates(const Args& a) {
  return (!a.acc || (a.scale > -1 && (a.noise ? a.scale < 1 : a.scale <= 1))) &&
         a.mean_code > -0x1p24f && a.mean_code < 0x1p24f;
}

}  // namespace

void avx512(const Args& a, const Exec& e) {
  if (a.n % kColumns != 0 || !saturates(a)) return run(a, e);
  parallel_for(e.pool, a.rows, 64, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r += kRows)
      block_of_rows(a, r, end - r < kRows ? int(end - r) : kRows);
  });
}

}  // namespace nibble::residual_norm
