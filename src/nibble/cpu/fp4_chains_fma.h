// fp4_chains.h by fma's of 16 rows, for machines whose vdpbf16ps is slower (or that have none). For
// files compiled with AVX-512 and VBMI. x is float, in the order of columns.
#pragma once
#include <immintrin.h>

#include "nibble/cpu/fp4_chains_avx512.h"

namespace nibble::cpu {
namespace {

// Tokens of a tile: chains, sums of blocks and of rows, 8 values and scales in registers.
template <class Blocks>
constexpr int kFmaTokens = Blocks::kPanels.block == 16 ? 8 : 6;

template <class Blocks, int R, bool kTokenBlocks>
void chains_tile(const Fp4Chains& p, int64_t m, int64_t panel) {
  constexpr PanelLayout panels = Blocks::kPanels;
  // vpermps looks at 4 bits of its index.
  const __m512 values =
      _mm512_setr_ps(0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0.0f, -0.5f, -1, -1.5f, -2, -3, -4, -6);
  const int64_t tiles = panels.tiles(p.k), blocks = 4 * tiles;
  const uint8_t* w = p.w + panel * panels.panel_bytes(p.k);
  const float* x = static_cast<const float*>(p.x) + m * p.ldx;
  __m512 acc[R] = {};
  for (int64_t t = 0; t < tiles; ++t, w += panels.tile_bytes(), x += panels.tile_k()) {
    prefetch_tile<Blocks>(w);
    const BlockScales scales = Blocks::scales(w);
#pragma GCC unroll 4
    for (int b = 0; b < 4; ++b) {
      __m512 sum[R];
#pragma GCC unroll 2
      for (int c = 0; c < panels.block; c += 16) {
        __m512 chain[R] = {};
#pragma GCC unroll 2
        for (int eight = 0; eight < 2; ++eight) {
          const int column = b * panels.block + c + 8 * eight;
          const __m512i codes = _mm512_load_si512(w + panels.dword_offset(0, column / 8));
          __m512 value[8];
#pragma GCC unroll 8
          for (int i = 0; i < 8; ++i)
            value[i] = _mm512_permutexvar_ps(
                _mm512_srli_epi32(codes, unsigned(code_bit(kChainOrder[i]))), values);
#pragma GCC unroll 8
          for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
            for (int i = 0; i < 8; ++i)
              chain[r] = _mm512_fmadd_ps(
                  value[i], _mm512_set1_ps(x[r * p.ldx + column + kChainOrder[i]]), chain[r]);
        }
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) sum[r] = c == 0 ? chain[r] : _mm512_add_ps(sum[r], chain[r]);
      }
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        __m512 scale = scales.block[b];
        if (kTokenBlocks)
          scale = _mm512_mul_ps(scale, _mm512_set1_ps(p.x_blocks[(m + r) * blocks + 4 * t + b]));
        acc[r] = _mm512_fmadd_ps(sum[r], scale, acc[r]);
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) store_rows(p, m + r, panel, acc[r]);
}

template <class Blocks, bool kTokenBlocks>
void multiply_chains(const Fp4Chains& p, Pool* pool) {
  constexpr PanelLayout panels = Blocks::kPanels;
  panel_tasks(pool, p.m, panels.panels(p.n), panels.panel_bytes(p.k),
              [&](int64_t begin, int64_t end, int64_t panel) {
                token_tiles<kFmaTokens<Blocks>>(begin, end, [&](int64_t m, auto count) {
                  chains_tile<Blocks, decltype(count)::value, kTokenBlocks>(p, m, panel);
                });
              });
}

}  // namespace
}  // namespace nibble::cpu
