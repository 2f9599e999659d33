#include <immintrin.h>

#include <cstring>

#include "nibble/ops/gemm_s8/kernels.h"

namespace nibble::gemm_s8 {
namespace {

constexpr int kRows = 4;  // 4 rows x 2 accumulators, 2 for b, 2 for temporaries: 14 of 16 registers
// Loops over rows and panels are unrolled by pragma: -O2 alone keeps the accumulators in memory,
// which costs more than half of the speed.

// The last 1 to 4 bytes of a row without reading behind it; zeros above.
inline uint32_t load_tail(const int8_t* p, int count) {
  uint32_t v = 0;
  for (int i = 0; i < count; ++i) v |= uint32_t(uint8_t(p[i])) << 8 * i;
  return v;
}

// |x| * sign(w, x) = x * w, and |x| fits the unsigned operand. A pair sum is at most
// 2 * 127 * 127 = 32258, so vpmaddubsw does not saturate.
inline __m256i multiply_add(__m256i acc, __m256i x, __m256i w) {
  const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(x), _mm256_sign_epi8(w, x));
  return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

template <int R>
void tile(const Args& a, const int8_t* b, int64_t m, int column, int columns) {
  __m256i acc[R][2];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) acc[r][0] = acc[r][1] = _mm256_setzero_si256();
  const int blocks = a.k / kBlock, tail = a.k % kBlock;
  for (int q = 0; q < blocks + (tail != 0); ++q) {
    const __m256i* w = reinterpret_cast<const __m256i*>(b + q * kPanel * kBlock);
    const __m256i w0 = _mm256_load_si256(w), w1 = _mm256_load_si256(w + 1);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const int8_t* p = a.a + (m + r) * a.lda + q * kBlock;
      uint32_t word;
      if (q < blocks)
        std::memcpy(&word, p, 4);
      else
        word = load_tail(p, tail);
      const __m256i x = _mm256_set1_epi32(int32_t(word));
      acc[r][0] = multiply_add(acc[r][0], x, w0);
      acc[r][1] = multiply_add(acc[r][1], x, w1);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    int32_t* c = a.c + (m + r) * a.ldc + column;
    if (columns == kPanel) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(c), acc[r][0]);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(c + 8), acc[r][1]);
    } else {
      alignas(32) int32_t all[kPanel];
      _mm256_store_si256(reinterpret_cast<__m256i*>(all), acc[r][0]);
      _mm256_store_si256(reinterpret_cast<__m256i*>(all + 8), acc[r][1]);
      std::memcpy(c, all, size_t(columns) * 4);
    }
  }
}

}  // namespace

void avx2(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.m, kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int column = 0; column < a.n; column += kPanel) {
      const int8_t* b = a.b + column / kPanel * panel_bytes(a.k);
      const int columns = a.n - column < kPanel ? a.n - column : kPanel;
      int64_t m = begin;
      for (; m + kRows <= end; m += kRows) tile<kRows>(a, b, m, column, columns);
      for (; m < end; ++m) tile<1>(a, b, m, column, columns);
    }
  });
}

}  // namespace nibble::gemm_s8
