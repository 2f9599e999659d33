#include <immintrin.h>

#include <cstring>

#include "nibble/ops/gemm_s8/kernels.h"

namespace nibble::gemm_s8 {
namespace {

constexpr int kRows = 8;  // x 2 panels = 16 accumulators: 8 chains a port hide vpdpbusd's 5 cycles
// Loops over rows and panels are unrolled by pragma: -O2 alone keeps the accumulators in memory,
// which costs more than half of the speed.

// The last 1 to 4 bytes of a row without reading behind it; zeros above.
inline uint32_t load_tail(const int8_t* p, int count) {
  uint32_t v = 0;
  for (int i = 0; i < count; ++i) v |= uint32_t(uint8_t(p[i])) << 8 * i;
  return v;
}

// P panels of 16 columns for R rows. `last` masks the columns of the last panel that exist.
template <int R, int P>
void tile(const Args& a, int64_t m, int column, __mmask16 last) {
  const int64_t panel = panel_bytes(a.k);
  const int8_t* b = a.b + column / kPanel * panel;
  const auto* sums = reinterpret_cast<const int32_t*>(a.b + sums_offset(a.n, a.k)) + column;
  const __m512i bias = _mm512_set1_epi8(char(0x80));  // x ^ 0x80 = x + 128 as unsigned
  __m512i acc[R][P];
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) {
    const __m512i start =
        _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_load_si512(sums + p * kPanel));
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) acc[r][p] = start;
  }
  const auto step = [&](int q, auto load) {
    __m512i w[P];
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) w[p] = _mm512_load_si512(b + p * panel + q * kPanel * kBlock);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const uint32_t word = load(a.a + (m + r) * a.lda + q * kBlock);
      const __m512i x = _mm512_xor_si512(_mm512_set1_epi32(int32_t(word)), bias);
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) acc[r][p] = _mm512_dpbusd_epi32(acc[r][p], x, w[p]);
    }
  };
  const int blocks = a.k / kBlock, tail = a.k % kBlock;
  for (int q = 0; q < blocks; ++q)
    step(q, [](const int8_t* p) {
      uint32_t word;
      std::memcpy(&word, p, 4);
      return word;
    });
  if (tail) step(blocks, [tail](const int8_t* p) { return load_tail(p, tail); });
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p)
      _mm512_mask_storeu_epi32(a.c + (m + r) * a.ldc + column + p * kPanel,
                               p == P - 1 ? last : __mmask16(0xffff), acc[r][p]);
}

template <int P>
void rows(const Args& a, int64_t begin, int64_t end, int column, __mmask16 last) {
  int64_t m = begin;
  for (; m + kRows <= end; m += kRows) tile<kRows, P>(a, m, column, last);
  for (; m < end; ++m) tile<1, P>(a, m, column, last);
}

}  // namespace

void avx512_vnni(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.m, kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int column = 0; column < a.n; column += 2 * kPanel) {
      const int left = a.n - column;
      const auto mask = [](int columns) {
        return __mmask16(columns >= kPanel ? 0xffff : (1 << columns) - 1);
      };
      if (left > kPanel)
        rows<2>(a, begin, end, column, mask(left - kPanel));
      else
        rows<1>(a, begin, end, column, mask(left));
    }
  });
}

}  // namespace nibble::gemm_s8
