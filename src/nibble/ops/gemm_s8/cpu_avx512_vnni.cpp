#include <immintrin.h>

#include <cstring>

#include "nibble/ops/gemm_s8/kernels.h"

namespace nibble::gemm_s8 {
namespace {

constexpr int kRows = 8;  // x 2 panels = 16 accumulators: 8 chains a port hide vpdpbusd's 5 cycles
// Loops over rows and panels are unrolled by pragma: -O2 alone keeps the accumulators in memory,
// which costs more than half of the speed.

constexpr int64_t kBiasedBytes = 64 << 10;  // of one task: what is read again for every panel

// Rows of a task as vpdpbusd wants them, x + 128 as unsigned: biased once beforehand where they are
// few enough, or word by word as they are read.
template <bool Biased>
struct Rows {
  const uint8_t* data;
  int64_t ld;

  __m512i word(int64_t row, int q) const {
    uint32_t word;
    std::memcpy(&word, data + row * ld + q * kBlock, 4);
    return broadcast(word);
  }
  // The last 1 to 4 bytes of a row without reading behind it; zeros above.
  __m512i tail(int64_t row, int q, int count) const {
    uint32_t word = 0;
    for (int i = 0; i < count; ++i) word |= uint32_t(data[row * ld + q * kBlock + i]) << 8 * i;
    return broadcast(word);
  }
  static __m512i broadcast(uint32_t word) {
    return _mm512_set1_epi32(int32_t(Biased ? word : word ^ 0x80808080u));
  }
};

// P panels of 16 columns for R rows. `last` masks the columns of the last panel that exist.
template <int R, int P, bool Biased>
void tile(const Args& a, Rows<Biased> x, int32_t* c, int column, __mmask16 last) {
  const int64_t panel = panel_bytes(a.k);
  const int8_t* b = a.b + column / kPanel * panel;
  const auto* sums = reinterpret_cast<const int32_t*>(a.b + sums_offset(a.n, a.k)) + column;
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
      const __m512i v = load(r, q);
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) acc[r][p] = _mm512_dpbusd_epi32(acc[r][p], v, w[p]);
    }
  };
  const int blocks = a.k / kBlock, tail = a.k % kBlock;
#pragma GCC unroll 4
  for (int q = 0; q < blocks; ++q) step(q, [&](int r, int q) { return x.word(r, q); });
  if (tail) step(blocks, [&](int r, int q) { return x.tail(r, q, tail); });
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    int32_t* to = c + r * a.ldc + column;
#pragma GCC unroll 8
    for (int p = 0; p + 1 < P; ++p) _mm512_storeu_si512(to + p * kPanel, acc[r][p]);
    _mm512_mask_storeu_epi32(to + (P - 1) * kPanel, last, acc[r][P - 1]);
  }
}

template <int P, bool Biased>
void rows(const Args& a, Rows<Biased> x, int64_t begin, int64_t end, int column) {
  const int left = a.n - column - (P - 1) * kPanel;
  const auto last = __mmask16(left >= kPanel ? 0xffff : (1 << left) - 1);
  int64_t m = begin;
  const auto next = [&](int count) { m += count, x.data += count * x.ld; };
  for (; m + kRows <= end; next(kRows)) tile<kRows, P>(a, x, a.c + m * a.ldc, column, last);
  for (; m < end; next(1)) tile<1, P>(a, x, a.c + m * a.ldc, column, last);
}

// Two panels at a time, and three at the end of an odd number: one alone has too few products a
// load.
template <bool Biased>
void columns(const Args& a, Rows<Biased> x, int64_t begin, int64_t end) {
  const int panels = int(padded_n(a.n) / kPanel);
  for (int p = 0; p < panels;) {
    const int left = panels - p;
    if (left == 1)
      rows<1>(a, x, begin, end, p * kPanel), p += 1;
    else if (left == 3)
      rows<3>(a, x, begin, end, p * kPanel), p += 3;
    else
      rows<2>(a, x, begin, end, p * kPanel), p += 2;
  }
}

void bias(const int8_t* x, int64_t size, uint8_t* biased) {
  const __m512i flip = _mm512_set1_epi8(char(0x80));
  int64_t i = 0;
  for (; i + 64 <= size; i += 64)
    _mm512_store_si512(biased + i, _mm512_xor_si512(_mm512_loadu_si512(x + i), flip));
  for (; i < size; ++i) biased[i] = uint8_t(x[i]) ^ 0x80;
}

}  // namespace

void avx512_vnni(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.m, kRowsPerTask, [&](int64_t begin, int64_t end) {
    alignas(64) uint8_t biased[kBiasedBytes];
    const int8_t* x = a.a + begin * a.lda;
    const int64_t size = (end - begin - 1) * a.lda + a.k;
    if (size <= kBiasedBytes) {
      bias(x, size, biased);
      columns<true>(a, {biased, a.lda}, begin, end);
    } else {
      columns<false>(a, {reinterpret_cast<const uint8_t*>(x), a.lda}, begin, end);
    }
  });
}

}  // namespace nibble::gemm_s8
