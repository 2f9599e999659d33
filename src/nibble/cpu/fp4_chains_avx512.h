// What the two kernels of fp4_chains.h for 512 bits share: scales, and the end of a tile. For files
// compiled with AVX-512 and VBMI.
#pragma once
#include <immintrin.h>

#include "nibble/cpu/e4m3_scales_avx512.h"
#include "nibble/cpu/fp4_chains.h"
#include "nibble/cpu/panel_tasks.h"
#include "nibble/numerics/panel_layout.h"

namespace nibble::cpu {
namespace {

constexpr int kAhead = 8192;  // bytes of prefetch: what memory delivers in 200 ns

// Lane r of block[j]: 2^(code - 127), also code 0, a subnormal; 0xff is NaN.
[[maybe_unused, gnu::always_inline]] inline BlockScales ue8m0_scales(const uint8_t* tile) {
  const __m512i codes = _mm512_load_si512(tile), infinity = _mm512_set1_epi32(0x7f800000);
  BlockScales s;
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const __m512i code = _mm512_srli_epi32(_mm512_slli_epi32(codes, unsigned(24 - 8 * j)), 24);
    const __m512i power =
        _mm512_max_epu32(_mm512_slli_epi32(code, 23), _mm512_set1_epi32(0x00400000));
    s.block[j] = _mm512_castsi512_ps(_mm512_mask_or_epi32(
        power, _mm512_cmpeq_epi32_mask(power, infinity), power, _mm512_set1_epi32(0x00400000)));
  }
  return s;
}

struct Nvfp4Blocks {
  static constexpr PanelLayout kPanels{16, PanelCodes::fp4, 16};
  [[gnu::always_inline]] static BlockScales scales(const uint8_t* tile) {
    return e4m3_scales(tile);
  }
};
struct Mxfp4Blocks {
  static constexpr PanelLayout kPanels{16, PanelCodes::fp4, 32};
  [[gnu::always_inline]] static BlockScales scales(const uint8_t* tile) {
    return ue8m0_scales(tile);
  }
};

template <class Blocks>
[[gnu::always_inline]] inline void prefetch_tile(const uint8_t* w) {
  constexpr int kLines = Blocks::kPanels.tile_bytes() / 64;
#pragma GCC unroll 17
  for (int line = 0; line < kLines; ++line)
    _mm_prefetch(reinterpret_cast<const char*>(w + kAhead + 64 * line), _MM_HINT_T0);
}

// acc of R tokens from m on to y.
template <int R>
[[gnu::always_inline]] inline void store_tile(const Fp4Chains& p, int64_t m, int64_t panel,
                                              const __m512 (&acc)[R]) {
  const __mmask16 rows = panel_lanes(panel, p.n);
  const __m512 w_scale = _mm512_maskz_loadu_ps(rows, p.w_scale + 16 * panel);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    __m512 y = _mm512_mul_ps(acc[r], w_scale);
    if (p.x_scale) y = _mm512_mul_ps(y, _mm512_set1_ps(p.x_scale[m + r]));
    _mm512_mask_storeu_ps(p.y + (m + r) * p.ldy + 16 * panel, rows, one_nan(y));
  }
}

// Core::tile<Blocks, R, kTokenBlocks>(problem, token, panel) for all of it.
template <class Core, class Blocks, bool kTokenBlocks>
void multiply_chains(const Fp4Chains& p, Pool* pool) {
  constexpr PanelLayout panels = Blocks::kPanels;
  panel_tasks(pool, p.m, panels.panels(p.n), panels.panel_bytes(p.k),
              [&](int64_t begin, int64_t end, int64_t panel) {
                token_tiles<Core::template kTokens<Blocks>>(begin, end, [&](int64_t m, auto count) {
                  Core::template tile<Blocks, decltype(count)::value, kTokenBlocks>(p, m, panel);
                });
              });
}

}  // namespace
}  // namespace nibble::cpu
