#include <immintrin.h>

#include <cstring>

#include "nibble/cpu/e4m3_scales_avx512.h"
#include "nibble/cpu/panel_tasks.h"
#include "nibble/ops/gemm_nvfp4_s16/kernels.h"

namespace nibble::gemm_nvfp4_s16 {
namespace {

constexpr int kTokens = 8;    // of a tile: 8 sums, 8 registers of values, 4 of scales, the table
constexpr int kAhead = 8192;  // bytes: what memory delivers in 200 ns

// Twice the values, for vpermw: of its index it reads 5 bits, a code and the lowest of the next.
alignas(64) constexpr int16_t kDoubled[32] = {0,  1,  2,  3,  4,   6,  8,  12, 0,  -1, -2,
                                              -3, -4, -6, -8, -12, 0,  1,  2,  3,  4,  6,
                                              8,  12, 0,  -1, -2,  -3, -4, -6, -8, -12};

// A dword of codes has columns 0 4 1 5 in its lower half and 2 6 3 7 in the upper, so a shift and a
// look-up give two words a row: columns 0 2, 4 6, 1 3, 5 7. Activations stand in that order.
void pack_row(const Args& a, int64_t i) {
  const __m128i pairs = _mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
  const int16_t* from = a.x + i * a.ldx;
  int16_t* to = a.packed_x + i * padded_k(a.k);
  int k = 0;
  for (; k < a.k; k += 8) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + k));
    _mm_store_si128(reinterpret_cast<__m128i*>(to + k), _mm_shuffle_epi8(x, pairs));
  }
  for (; k < padded_k(a.k); k += 8)
    _mm_store_si128(reinterpret_cast<__m128i*>(to + k), _mm_setzero_si128());
}

[[gnu::always_inline]] inline __m512i broadcast_pair(const int16_t* x) {
  int32_t pair;
  std::memcpy(&pair, x, 4);
  return _mm512_set1_epi32(pair);
}

// R tokens from m on.
template <int R>
void tile(const Args& a, int64_t m, int64_t panel) {
  const __m512i doubled = _mm512_load_si512(kDoubled);
  const int64_t ldx = padded_k(a.k), tiles = kPanels.tiles(a.k);
  const uint8_t* w = a.w + panel * kPanels.panel_bytes(a.k);
  const int16_t* x = a.packed_x + m * ldx;
  __m512 acc[R] = {};
  for (int64_t t = 0; t < tiles; ++t, w += kPanels.tile_bytes(), x += kPanels.tile_k()) {
#pragma GCC unroll 9
    for (int line = 0; line < 9; ++line)
      _mm_prefetch(reinterpret_cast<const char*>(w + kAhead + 64 * line), _MM_HINT_T0);
    const cpu::BlockScales scales = cpu::e4m3_scales(w);
#pragma GCC unroll 4
    for (int b = 0; b < 4; ++b) {
      __m512i value[8];
#pragma GCC unroll 2
      for (int half = 0; half < 2; ++half) {
        const __m512i codes = _mm512_load_si512(w + kPanels.dword_offset(0, 2 * b + half));
#pragma GCC unroll 4
        for (int q = 0; q < 4; ++q)
          value[4 * half + q] =
              _mm512_permutexvar_epi16(_mm512_srli_epi16(codes, unsigned(4 * q)), doubled);
      }
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        __m512i sum = _mm512_setzero_si512();
#pragma GCC unroll 8
        for (int q = 0; q < 8; ++q)
          sum =
              _mm512_dpwssd_epi32(sum, value[q], broadcast_pair(x + r * ldx + kBlock * b + 2 * q));
        acc[r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), scales.block[b], acc[r]);
      }
    }
  }
  const __mmask16 rows = cpu::panel_lanes(panel, a.n);
  const __m512 w_scale = _mm512_maskz_loadu_ps(rows, a.w_scale + 16 * panel);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    const __m512 half = _mm512_mul_ps(acc[r], _mm512_set1_ps(0.5f));
    const __m512 y = _mm512_mul_ps(_mm512_mul_ps(half, w_scale), _mm512_set1_ps(a.x_scale[m + r]));
    _mm512_mask_storeu_ps(a.y + (m + r) * a.ldy + 16 * panel, rows, cpu::one_nan(y));
  }
}

}  // namespace

void avx512_vnni(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.m, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) pack_row(a, i);
  });
  cpu::panel_tasks(e.pool, a.m, kPanels.panels(a.n), kPanels.panel_bytes(a.k),
                   [&](int64_t begin, int64_t end, int64_t panel) {
                     cpu::token_tiles<kTokens>(begin, end, [&](int64_t m, auto count) {
                       tile<decltype(count)::value>(a, m, panel);
                     });
                   });
}

}  // namespace nibble::gemm_nvfp4_s16
