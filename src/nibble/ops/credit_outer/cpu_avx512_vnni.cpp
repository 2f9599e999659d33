#include <immintrin.h>

#include <cstring>

#include "nibble/cpu/byte_tiles.h"
#include "nibble/ops/credit_outer/kernels.h"

namespace nibble::credit_outer {
namespace {

constexpr int kRows = 8;  // x 2 panels = 16 accumulators: 8 chains a port hide vpdpbusd's 5 cycles
// Loops over rows and panels are unrolled by pragma: -O2 alone keeps the accumulators in memory,
// which costs more than half of the speed.

// x transposed: column k at token t is byte t + k / ld of row k % ld. With a token shift, ld < k,
// the column is that of a token before, and one row of bytes serves all shifts.
struct Transposed {
  const int8_t* x;
  int ld;
  int64_t padded;

  const int8_t* column(int k) const { return x + k % ld * padded + k / ld; }
};

// R rows of g by P panels of 16 columns. x is stored as x + 128, so 128 * sum_t z is taken off.
template <int R, int P>
void tile(const Args& a, const Transposed& xt, const int8_t* zp, const int32_t* sums, int k,
          int n) {
  const int64_t padded = padded_tokens(a.tokens);
  int32_t* g = a.g + int64_t(k) * a.n + n;
  __m512i acc[R][P];
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) {
    const __m512i excess = _mm512_loadu_si512(sums + n + 16 * p);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
      acc[r][p] = _mm512_sub_epi32(_mm512_loadu_si512(g + r * a.n + 16 * p), excess);
  }
  // The next rows of g: two lines each, too far apart for hardware to guess, often not in L2.
  if (k + R < a.k)
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) __builtin_prefetch(g + (R + r) * a.n + 16 * p, 1);
  const int8_t* x = xt.column(k);
  const int8_t* z = zp + n * padded;
#pragma GCC unroll 4
  for (int64_t t = 0; t < a.tokens; t += 4) {
    __m512i w[P];
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) w[p] = _mm512_load_si512(z + 16 * p * padded + 16 * t);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      int32_t word;
      std::memcpy(&word, x + r * xt.padded + t, 4);
      const __m512i v = _mm512_set1_epi32(word);
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) acc[r][p] = _mm512_dpbusd_epi32(acc[r][p], v, w[p]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) _mm512_storeu_si512(g + r * a.n + 16 * p, acc[r][p]);
}

// 128 * sum_t z of each column: a product with 128, which is -128 to a signed operand only.
void column_sums(const Args& a, const int8_t* zp, int32_t* sums) {
  const int64_t padded = padded_tokens(a.tokens);
  const __m512i bias = _mm512_set1_epi8(char(0x80));
  for (int n = 0; n < a.n; n += 16) {
    __m512i s = _mm512_setzero_si512();
    for (int64_t t = 0; t < padded; t += 4)
      s = _mm512_dpbusd_epi32(s, bias, _mm512_load_si512(zp + n * padded + 16 * t));
    _mm512_storeu_si512(sums + n, s);
  }
}

}  // namespace

void avx512_vnni(const Args& a, const Exec& e) {
  const int64_t padded = padded_tokens(a.tokens);
  int8_t* zp = a.work;
  auto* sums = reinterpret_cast<int32_t*>(zp + a.n * padded);
  // Whole shifts of whole blocks of columns. Words reach three bytes behind the last token.
  const bool shifts = a.ldx < a.k && a.ldx % 16 == 0 && a.k % a.ldx == 0;
  const int ld = shifts ? int(a.ldx) : a.k, last = a.k / ld - 1;
  const int64_t rows = shifts ? padded_tokens(a.tokens + last + 3) : padded;
  int8_t* to = zp + a.n * padded + 4 * a.n;
  const Transposed xt{to, ld, rows};
  cpu::interleave_rows(a.z, a.tokens, a.n, padded, zp);
  column_sums(a, zp, sums);
  cpu::transpose_bytes(a.x, a.ldx, a.tokens + last, ld, int8_t(0x80), rows, to);
  parallel_for(e.pool, a.k, 64, [&](int64_t begin, int64_t end) {
    for (int n = 0; n < a.n; n += 32)
      for (int64_t k = begin; k < end; k += kRows) {
        if (a.n - n > 16)
          tile<kRows, 2>(a, xt, zp, sums, int(k), n);
        else
          tile<kRows, 1>(a, xt, zp, sums, int(k), n);
      }
  });
}

}  // namespace nibble::credit_outer
