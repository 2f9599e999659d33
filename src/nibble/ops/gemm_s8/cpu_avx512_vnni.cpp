#include <immintrin.h>

#include <cstring>

#include "nibble/ops/gemm_s8/kernels.h"

namespace nibble::gemm_s8 {
namespace {

// Panels x rows of a tile: 16 to 24 accumulators, whose chains hide vpdpbusd's 5 cycles on two
// ports. Four panels by four rows begin and end with less than two by eight, but read b twice as
// often: as long as its panels stay in L1.
constexpr int rows_of(int panels) { return panels > 3 ? 4 : 8; }
constexpr int64_t kWideBytes = 24 << 10;
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
  const auto word = [&](int r, int q) { return x.word(r, q); };
  int q = 0;
  for (; q + 4 <= blocks; q += 4) {
    step(q, word);
    step(q + 1, word);
    step(q + 2, word);
    step(q + 3, word);
  }
  for (; q < blocks; ++q) step(q, word);
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
  constexpr int R = rows_of(P);
  for (; m + R <= end; next(R)) tile<R, P>(a, x, a.c + m * a.ldc, column, last);
  for (; m < end; next(1)) tile<1, P>(a, x, a.c + m * a.ldc, column, last);
}

// Four panels at a time or, where they are long, two; one more at the end of a number that leaves
// one: alone it has too few products a load.
template <bool Biased>
void columns(const Args& a, Rows<Biased> x, int64_t begin, int64_t end) {
  const int panels = int(padded_n(a.n) / kPanel);
  const bool wide = 4 * panel_bytes(a.k) <= kWideBytes;
  for (int p = 0; p < panels;) {
    const int left = panels - p, column = p * kPanel;
    if (wide && left == 5)
      rows<5>(a, x, begin, end, column), p += 5;
    else if (wide && left > 3)
      rows<4>(a, x, begin, end, column), p += 4;
    else if (left == 3)
      rows<3>(a, x, begin, end, column), p += 3;
    else if (left > 1)
      rows<2>(a, x, begin, end, column), p += 2;
    else
      rows<1>(a, x, begin, end, column), p += 1;
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
