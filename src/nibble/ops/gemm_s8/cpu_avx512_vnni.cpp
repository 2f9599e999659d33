#include "nibble/cpu/s8_tile_avx512.h"
#include "nibble/ops/gemm_s8/panels.h"

namespace nibble::gemm_s8 {
namespace {

// Panels x rows of a tile: 16 to 24 accumulators, whose chains hide vpdpbusd's 5 cycles on two
// ports. Four panels by four rows begin and end with less than two by eight, but read b twice as
// often: as long as its panels stay in L1.
constexpr int rows_of(int panels) { return panels > 3 ? 4 : 8; }
constexpr int64_t kWideBytes = 24 << 10;

// P panels of 16 columns for R rows. `last` masks the columns of the last panel that exist.
template <int R, int P, class Words>
void tile(Words words, const cpu::S8Panels& b, const int8_t* x, int64_t lda, int32_t* c,
          int64_t ldc, __mmask16 last) {
  cpu::S8Sums acc[R][P], none;
  cpu::s8_tile<false>(words, b, cpu::S8Strided{x, lda}, acc, none);
  cpu::unrolled<R>([&](auto r) __attribute__((always_inline)) {
    int32_t* to = c + r * ldc;
    cpu::unrolled<P - 1>([&](auto p) __attribute__((always_inline)) {
      _mm512_storeu_si512(to + p * kPanel, __m512i(acc[r][p]));
    });
    _mm512_mask_storeu_epi32(to + (P - 1) * kPanel, last, __m512i(acc[r][P - 1]));
  });
}

template <int P, class Words>
void rows(const Args& a, Words words, const int8_t* x, int64_t begin, int64_t end, int column) {
  const int left = a.n - column - (P - 1) * kPanel;
  const auto last = __mmask16(left >= kPanel ? 0xffff : (1 << left) - 1);
  const cpu::S8Panels b = panels(a, column);
  int32_t* c = a.c + begin * a.ldc + column;
  int64_t m = begin;
  const auto next = [&](int count) { m += count, x += count * a.lda, c += count * a.ldc; };
  constexpr int R = rows_of(P);
  for (; m + R <= end; next(R)) tile<R, P>(words, b, x, a.lda, c, a.ldc, last);
  for (; m < end; next(1)) tile<1, P>(words, b, x, a.lda, c, a.ldc, last);
}

// Four panels at a time or, where they are long, two; one more at the end of a number that leaves
// one: alone it has too few products a load.
template <class Words>
void columns(const Args& a, Words words, const int8_t* x, int64_t begin, int64_t end) {
  const int panels = int(padded_n(a.n) / kPanel);
  const bool wide = 4 * panel_bytes(a.k) <= kWideBytes;
  for (int p = 0; p < panels;) {
    const int left = panels - p, column = p * kPanel;
    if (wide && left == 5)
      rows<5>(a, words, x, begin, end, column), p += 5;
    else if (wide && left > 3)
      rows<4>(a, words, x, begin, end, column), p += 4;
    else if (left == 3)
      rows<3>(a, words, x, begin, end, column), p += 3;
    else if (left > 1)
      rows<2>(a, words, x, begin, end, column), p += 2;
    else
      rows<1>(a, words, x, begin, end, column), p += 1;
  }
}

}  // namespace

void avx512_vnni(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.m, kRowsPerTask, [&](int64_t begin, int64_t end) {
    const int64_t size = (end - begin - 1) * a.lda + a.k;
    cpu::with_s8_words(a.a + begin * a.lda, size,
                       [&](auto words, const int8_t* x) { columns(a, words, x, begin, end); });
  });
}

}  // namespace nibble::gemm_s8
