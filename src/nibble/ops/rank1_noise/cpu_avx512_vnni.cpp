#include "nibble/cpu/fold_avx512.h"
#include "nibble/ops/rank1_noise/kernels.h"

namespace nibble::rank1_noise {
namespace {

constexpr int kRows = 16;     // whose dot products are folded together
constexpr int kVectors = 4;   // of signs that stay in registers beside the sums of 16 rows
constexpr int kColumns = 64;  // of a vector

// f as bytes -1 and +1 of `count` <= 64 columns, 0 behind them.
__m512i signs_of(const uint16_t* f, int count) {
  uint64_t plus = 0;
  for (int i = 0; i < count / 16; ++i) plus |= uint64_t(f[i]) << 16 * i;
  const __mmask64 there = ~uint64_t(0) >> (kColumns - count);
  return _mm512_mask_mov_epi8(_mm512_maskz_set1_epi8(there, -1), plus, _mm512_set1_epi8(1));
}

// Adds (x + 128) f of N vectors of columns, the last with `left` columns, to the sums of 16 rows.
// Codes become unsigned, as vpdpbusd wants its first factor.
template <int N, class Row>
[[gnu::always_inline]] inline void add_columns(Row row, const uint16_t* f, int left,
                                               __m512i* sums) {
  const __m512i flip = _mm512_set1_epi8(char(0x80));
  const __mmask64 there = ~uint64_t(0) >> (kColumns - left);
  __m512i signs[N];
#pragma GCC unroll 4
  for (int v = 0; v < N; ++v)
    signs[v] = signs_of(f + v * kColumns / 16, v + 1 < N ? kColumns : left);
  for (int i = 0; i < kRows; ++i) {
    const int8_t* x = row(i);
    __m512i sum = sums[i];
#pragma GCC unroll 4
    for (int v = 0; v < N; ++v) {
      const __m512i codes = v + 1 < N ? _mm512_loadu_si512(x + v * kColumns)
                                      : _mm512_maskz_loadu_epi8(there, x + v * kColumns);
      sum = _mm512_dpbusd_epi32(sum, _mm512_xor_si512(codes, flip), signs[v]);
    }
    sums[i] = sum;
  }
}

// 128 sum_k f[k], which the shifted codes add: below 2^23, as |sum_k (x + 128) f| < 2^24 is.
int32_t shift_of(const Args& a) {
  int plus = 0;
  for (int i = 0; i < a.k / 16; ++i) plus += __builtin_popcount(a.f[i]);
  return 128 * (2 * plus - a.k);
}

void block_of_rows(const Args& a, int64_t first, int rows, __m512i shift) {
  __m512i sums[kRows];
  for (__m512i& sum : sums) sum = _mm512_setzero_si512();
  for (int k = 0; k < a.k; k += kVectors * kColumns) {
    // A short block repeats its last row.
    const auto row = [&](int i) { return a.x + (first + (i < rows ? i : rows - 1)) * a.ldx + k; };
    const uint16_t* f = a.f + k / 16;
    const int left = a.k - k;
    if (left > 3 * kColumns)
      add_columns<4>(row, f, left < 4 * kColumns ? left - 3 * kColumns : kColumns, sums);
    else if (left > 2 * kColumns)
      add_columns<3>(row, f, left - 2 * kColumns, sums);
    else if (left > kColumns)
      add_columns<2>(row, f, left - kColumns, sums);
    else
      add_columns<1>(row, f, left, sums);
  }
  const __m512i total = _mm512_sub_epi32(cpu::sums_of(sums), shift);
  const __m512 product = _mm512_mul_ps(_mm512_cvtepi32_ps(total), _mm512_set1_ps(a.unit));
  const __m512 most = _mm512_set1_ps(0x1p24f), least = _mm512_set1_ps(-0x1p24f);
  const __m512i steps = _mm512_cvtps_epi32(_mm512_min_ps(_mm512_max_ps(product, least), most));
  _mm512_mask_storeu_epi32(a.step + first, __mmask16((1u << rows) - 1), steps);
}

}  // namespace

void avx512_vnni(const Args& a, const Exec& e) {
  const __m512i shift = _mm512_set1_epi32(shift_of(a));
  parallel_for(e.pool, a.rows, 64, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r += kRows)
      block_of_rows(a, r, end - r < kRows ? int(end - r) : kRows, shift);
  });
}

}  // namespace nibble::rank1_noise
