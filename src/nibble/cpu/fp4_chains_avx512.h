// What the kernels of fp4_chains.h for 512 bits share: scales, and the end of a tile. For files
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
  // Starts the prefetchers of L2 on a page before its first lines are wanted.
  _mm_prefetch(reinterpret_cast<const char*>(w + 2 * kAhead), _MM_HINT_T1);
}

// A token's sums of a panel to y.
[[gnu::always_inline]] inline void store_rows(const Fp4Chains& p, int64_t m, int64_t panel,
                                              __m512 acc) {
  const __mmask16 rows = panel_lanes(panel, p.n);
  const __m512 sum = _mm512_mul_ps(acc, _mm512_set1_ps(p.factor));
  __m512 y = _mm512_mul_ps(sum, _mm512_maskz_loadu_ps(rows, p.w_scale + 16 * panel));
  if (p.x_scale) y = _mm512_mul_ps(y, _mm512_set1_ps(p.x_scale[m]));
  _mm512_mask_storeu_ps(p.y + m * p.ldy + 16 * panel, rows, one_nan(y));
}

}  // namespace
}  // namespace nibble::cpu
