// fp4_chains.h for 256 bits: 16 rows are two registers. For files compiled for AVX2, FMA and F16C.
//
// Values come from bytes, 2 e2m1, by way of integers; x is float, in the order of columns, and
// halved, which is exact and makes the products the same.
#pragma once
#include <immintrin.h>

#include "nibble/cpu/e4m3_scales_avx2.h"
#include "nibble/cpu/fp4_chains.h"
#include "nibble/cpu/panel_tasks.h"
#include "nibble/numerics/panel_layout.h"

namespace nibble::cpu {
namespace {

constexpr int kAhead = 8192;  // bytes of prefetch: what memory delivers in 200 ns

struct Nvfp4Blocks {
  static constexpr PanelLayout kPanels{16, PanelCodes::fp4, 16};
  NanRows nans;
  [[gnu::always_inline]] void scales(const uint8_t* tile, BlockScales& s) {
    e4m3_scales<false>(tile, s, nans);
  }
  [[gnu::always_inline]] __m256 end(int half, __m256 acc) const { return nans.marked(half, acc); }
};

struct Mxfp4Blocks {
  static constexpr PanelLayout kPanels{16, PanelCodes::fp4, 32};
  // 2^(code - 127), also code 0, a subnormal; 0xff is NaN.
  [[gnu::always_inline]] void scales(const uint8_t* tile, BlockScales& s) {
    const __m256i infinity = _mm256_set1_epi32(0x7f800000), half_bit = _mm256_set1_epi32(0x400000);
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      const __m256i codes = _mm256_load_si256(reinterpret_cast<const __m256i*>(tile) + i % 2);
      const __m256i code = _mm256_srli_epi32(_mm256_slli_epi32(codes, 24 - 8 * (i / 2)), 24);
      const __m256i power = _mm256_max_epu32(_mm256_slli_epi32(code, 23), half_bit);
      const __m256i nan = _mm256_and_si256(_mm256_cmpeq_epi32(power, infinity), half_bit);
      _mm256_store_ps(s.block[i / 2] + 8 * (i % 2),
                      _mm256_castsi256_ps(_mm256_or_si256(power, nan)));
    }
  }
  [[gnu::always_inline]] __m256 end(int, __m256 acc) const { return acc; }
};

// Eight columns of 8 rows as bytes, twice the values: columns 0 to 3 of a row in its dword of
// `first`, 4 to 7 in that of `last`.
struct Eight {
  __m256i first, last;

  [[gnu::always_inline]] explicit Eight(const uint8_t* codes) {
    const __m256i table = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12));
    const __m256i v = _mm256_load_si256(reinterpret_cast<const __m256i*>(codes));
    const __m256i nibble = _mm256_set1_epi8(15);
    first = _mm256_shuffle_epi8(table, _mm256_and_si256(v, nibble));
    last = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble));
  }
  [[gnu::always_inline]] __m256 column(int c) const {
    const __m256i top = _mm256_slli_epi32(c < 4 ? first : last, 24 - 8 * (c % 4));
    return _mm256_cvtepi32_ps(_mm256_srai_epi32(top, 24));
  }
};

constexpr int kChainTokens = 4;  // of a tile: 8 chains of 16 registers

template <int R>
[[gnu::always_inline]] inline void chain_of_16(const uint8_t* codes, const float* x, int64_t ldx,
                                               __m256 (&chain)[R][2]) {
  for (int c = 0; c < 16; c += 8, codes += 64) {
    const Eight eight[2] = {Eight(codes), Eight(codes + 32)};
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      const __m256 low = eight[0].column(kChainOrder[i]);
      const __m256 high = eight[1].column(kChainOrder[i]);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) {
        const __m256 v = _mm256_broadcast_ss(x + r * ldx + c + kChainOrder[i]);
        chain[r][0] = _mm256_fmadd_ps(low, v, chain[r][0]);
        chain[r][1] = _mm256_fmadd_ps(high, v, chain[r][1]);
      }
    }
  }
}

template <class Blocks, int R, bool kTokenBlocks>
void chains_tile(const Fp4Chains& p, int64_t m, int64_t panel) {
  constexpr PanelLayout panels = Blocks::kPanels;
  constexpr int kLines = panels.tile_bytes() / 64;
  const int64_t tiles = panels.tiles(p.k), blocks = 4 * tiles;
  const uint8_t* w = p.w + panel * panels.panel_bytes(p.k);
  const float* x = static_cast<const float*>(p.x) + m * p.ldx;
  __m256 acc[R][2] = {};
  Blocks of;
  BlockScales scales;
  for (int64_t t = 0; t < tiles; ++t, w += panels.tile_bytes(), x += panels.tile_k()) {
#pragma GCC unroll 17
    for (int line = 0; line < kLines; ++line)
      _mm_prefetch(reinterpret_cast<const char*>(w + kAhead + 64 * line), _MM_HINT_T0);
    of.scales(w, scales);
    for (int b = 0; b < 4; ++b) {
      __m256 sum[R][2] = {};
      for (int c = b * panels.block; c < (b + 1) * panels.block; c += 16) {
        __m256 chain[R][2] = {};
        chain_of_16<R>(w + panels.dword_offset(0, c / 8), x + c, p.ldx, chain);
#pragma GCC unroll 4
        for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
          for (int half = 0; half < 2; ++half)
            sum[r][half] = _mm256_add_ps(sum[r][half], chain[r][half]);
      }
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
        for (int half = 0; half < 2; ++half) {
          __m256 scale = _mm256_load_ps(scales.block[b] + 8 * half);
          if (kTokenBlocks)
            scale = _mm256_mul_ps(scale, _mm256_set1_ps(p.x_blocks[(m + r) * blocks + 4 * t + b]));
          acc[r][half] = _mm256_fmadd_ps(sum[r][half], scale, acc[r][half]);
        }
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      const int64_t row = 16 * panel + 8 * half, left = p.n - row;
      const __m256 all = _mm256_mul_ps(of.end(half, acc[r][half]), _mm256_set1_ps(p.factor));
      __m256 y = _mm256_mul_ps(all, load_rows(p.w_scale + row, left));
      if (p.x_scale) y = _mm256_mul_ps(y, _mm256_set1_ps(p.x_scale[m + r]));
      store_rows(p.y + (m + r) * p.ldy + row, one_nan(y), left);
    }
}

template <class Blocks, bool kTokenBlocks>
void multiply_chains(const Fp4Chains& p, Pool* pool) {
  constexpr PanelLayout panels = Blocks::kPanels;
  panel_tasks(pool, p.m, panels.panels(p.n), panels.panel_bytes(p.k),
              [&](int64_t begin, int64_t end, int64_t panel) {
                token_tiles<kChainTokens>(begin, end, [&](int64_t m, auto count) {
                  chains_tile<Blocks, decltype(count)::value, kTokenBlocks>(p, m, panel);
                });
              });
}

}  // namespace
}  // namespace nibble::cpu
