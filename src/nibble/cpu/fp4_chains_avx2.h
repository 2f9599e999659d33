// fp4_chains.h for 256 bits: 16 rows are two registers. For files compiled for AVX2, FMA and F16C.
//
// Values come from bytes, 2 e2m1, as the upper ones of integers; x is float, in the order of
// columns, times kChainUnit, which is exact and makes the products the same.
#pragma once
#include <immintrin.h>

#include "nibble/cpu/e4m3_scales_avx2.h"
#include "nibble/cpu/fetch.h"
#include "nibble/cpu/fp4_chains.h"
#include "nibble/cpu/panel_tasks.h"
#include "nibble/cpu/unrolled.h"
#include "nibble/numerics/panel_layout.h"

namespace nibble::cpu {
namespace {

constexpr float kChainUnit = 0x1p-25f;  // |x| >= kChainLeast stays normal

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

// Four columns of 8 rows as bytes, twice the values, of the lower or the upper halves of codes.
template <bool kUpper>
[[gnu::always_inline]] inline __m256i quad(const uint8_t* codes) {
  const __m256i table = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12));
  __m256i v = _mm256_load_si256(reinterpret_cast<const __m256i*>(codes));
  if (kUpper) v = _mm256_srli_epi16(v, 4);
  return _mm256_shuffle_epi8(table, _mm256_and_si256(v, _mm256_set1_epi8(15)));
}
// A column of a quad, times 1 / kChainUnit: byte c is the upper one of an integer, without others.
template <int c>
[[gnu::always_inline]] inline __m256 column(__m256i quad) {
  __m256i top;
  if constexpr (c == 0) {
    top = _mm256_slli_epi32(quad, 24);
  } else if constexpr (c == 3) {
    top = _mm256_and_si256(quad, _mm256_set1_epi32(int(0xff000000)));
  } else {
    const __m128i bytes =
        _mm_setr_epi8(-1, -1, -1, c, -1, -1, -1, 4 + c, -1, -1, -1, 8 + c, -1, -1, -1, 12 + c);
    top = _mm256_shuffle_epi8(quad, _mm256_broadcastsi128_si256(bytes));
  }
  return _mm256_cvtepi32_ps(top);
}

constexpr int kChainTokens = 4;  // of a tile: 8 chains of 16 registers

// 16 columns of R tokens: rows 0 to 7, and 8 to 15.
template <int R>
[[gnu::always_inline]] inline void chain_of_16(const uint8_t* codes, const float* x, int64_t ldx,
                                               __m256 (&chain)[R][2]) {
  const auto four = [&](__m256i a, __m256i b, const float* at) __attribute__((always_inline)) {
    unrolled<4>([&](auto i) __attribute__((always_inline)) {
      constexpr int c = kChainOrder[i];
      const __m256 rows_a = column<c>(a), rows_b = column<c>(b);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) {
        const __m256 v = _mm256_broadcast_ss(at + r * ldx + c);
        chain[r][0] = _mm256_fmadd_ps(rows_a, v, chain[r][0]);
        chain[r][1] = _mm256_fmadd_ps(rows_b, v, chain[r][1]);
      }
    });
  };
  for (int c = 0; c < 16; c += 8, codes += 64) {
    four(quad<false>(codes), quad<false>(codes + 32), x + c);
    four(quad<true>(codes), quad<true>(codes + 32), x + c + 4);
  }
}
// 32 columns of one token: rows 0 to 7 and 8 to 15 of the first 16, then of the last. An fma takes
// four or five cycles, so a processor that does two a cycle has to have that many chains in sight.
[[gnu::always_inline]] inline void two_chains(const uint8_t* codes, const float* x,
                                              __m256 (&chain)[4]) {
  const auto four = [&](__m256i a, __m256i b, __m256i c, __m256i d, const float* at)
      __attribute__((always_inline)) {
    // Looked up now: the compiler would do that for all 32 columns first, and has no registers.
    __asm__ volatile("" : "+x"(a), "+x"(b), "+x"(c), "+x"(d));
    unrolled<4>([&](auto i) __attribute__((always_inline)) {
      constexpr int k = kChainOrder[i];
      const __m256 first = _mm256_broadcast_ss(at + k), last = _mm256_broadcast_ss(at + 16 + k);
      chain[0] = _mm256_fmadd_ps(column<k>(a), first, chain[0]);
      chain[1] = _mm256_fmadd_ps(column<k>(b), first, chain[1]);
      chain[2] = _mm256_fmadd_ps(column<k>(c), last, chain[2]);
      chain[3] = _mm256_fmadd_ps(column<k>(d), last, chain[3]);
    });
  };
#pragma GCC unroll 2
  for (int c = 0; c < 16; c += 8, codes += 64) {
    four(quad<false>(codes), quad<false>(codes + 32), quad<false>(codes + 128),
         quad<false>(codes + 160), x + c);
    four(quad<true>(codes), quad<true>(codes + 32), quad<true>(codes + 128),
         quad<true>(codes + 160), x + c + 4);
  }
}

template <class Blocks, int R, bool kTokenBlocks>
void chains_tile(const Fp4Chains& p, int64_t m, int64_t panel) {
  constexpr PanelLayout panels = Blocks::kPanels;
  static_assert(panels.block == 16 || panels.block == 32);
  const int64_t tiles = panels.tiles(p.k), blocks = 4 * tiles;
  const uint8_t* w = p.w + panel * panels.panel_bytes(p.k);
  const float* x = static_cast<const float*>(p.x) + m * p.ldx;
  __m256 acc[R][2] = {};
  Blocks of;
  BlockScales scales;
  for (int64_t t = 0; t < tiles; ++t, w += panels.tile_bytes(), x += panels.tile_k()) {
    fetch_ahead<panels.tile_bytes()>(w);
    of.scales(w, scales);
    const auto end = [&](int r, int b, __m256 rows_a, __m256 rows_b)
        __attribute__((always_inline)) {
      __m256 scale_a = _mm256_load_ps(scales.block[b]);
      __m256 scale_b = _mm256_load_ps(scales.block[b] + 8);
      if (kTokenBlocks) {
        const __m256 factor = _mm256_set1_ps(p.x_blocks[(m + r) * blocks + 4 * t + b]);
        scale_a = _mm256_mul_ps(scale_a, factor), scale_b = _mm256_mul_ps(scale_b, factor);
      }
      acc[r][0] = _mm256_fmadd_ps(rows_a, scale_a, acc[r][0]);
      acc[r][1] = _mm256_fmadd_ps(rows_b, scale_b, acc[r][1]);
    };
    if constexpr (R == 1) {
      for (int k = 0; k < panels.tile_k(); k += 32) {
        __m256 chain[4] = {};
        two_chains(w + panels.dword_offset(0, k / 8), x + k, chain);
        if constexpr (panels.block == 16) {
          end(0, k / 16, chain[0], chain[1]), end(0, k / 16 + 1, chain[2], chain[3]);
        } else {
          end(0, k / 32, _mm256_add_ps(chain[0], chain[2]), _mm256_add_ps(chain[1], chain[3]));
        }
      }
    } else {
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
        for (int r = 0; r < R; ++r) end(r, b, sum[r][0], sum[r][1]);
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
