// fp4_chains.h by vdpbf16ps, two columns of 16 rows an instruction. For files compiled with
// AVX512-BF16 and VBMI.
//
// x is bf16, in words: columns 0 2 1 3 4 6 5 7 of each eight, which are the pairs that a shift and
// a look-up make of a dword of codes.
#pragma once
#include <immintrin.h>

#include <cstring>

#include "nibble/cpu/fp4_chains_avx512.h"

namespace nibble::cpu {
namespace {

// Words from their order in a row to that of pairs.
[[maybe_unused, gnu::always_inline]] inline __m256i paired_words(__m256i x) {
  return _mm256_shuffle_epi8(x, _mm256_broadcastsi128_si256(_mm_setr_epi8(
                                    0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15)));
}

// bf16 of e2m1, for vpermw: of its index it reads 5 bits, a code and the lowest of the next.
alignas(64) constexpr uint16_t kBf16Values[32] = {
    0x0000, 0x3f00, 0x3f80, 0x3fc0, 0x4000, 0x4040, 0x4080, 0x40c0, 0x8000, 0xbf00, 0xbf80,
    0xbfc0, 0xc000, 0xc040, 0xc080, 0xc0c0, 0x0000, 0x3f00, 0x3f80, 0x3fc0, 0x4000, 0x4040,
    0x4080, 0x40c0, 0x8000, 0xbf00, 0xbf80, 0xbfc0, 0xc000, 0xc040, 0xc080, 0xc0c0};

[[gnu::always_inline]] inline __m512bh broadcast_pair(const uint16_t* x) {
  int32_t pair;
  std::memcpy(&pair, x, 4);
  return (__m512bh)_mm512_set1_epi32(pair);
}

struct Bf16Chains {
  // Tokens of a tile: sums of blocks and of rows, 8 values, scales and the table in registers.
  template <class Blocks>
  static constexpr int kTokens = Blocks::kPanels.block == 16 ? 8 : 6;

  template <class Blocks, int R, bool kTokenBlocks>
  static void tile(const Fp4Chains& p, int64_t m, int64_t panel) {
    constexpr PanelLayout panels = Blocks::kPanels;
    const __m512i values = _mm512_load_si512(kBf16Values);
    const int64_t tiles = panels.tiles(p.k), blocks = 4 * tiles;
    const uint8_t* w = p.w + panel * panels.panel_bytes(p.k);
    const uint16_t* x = static_cast<const uint16_t*>(p.x) + m * p.ldx;
    __m512 acc[R] = {};
    for (int64_t t = 0; t < tiles; ++t, w += panels.tile_bytes(), x += panels.tile_k()) {
      prefetch_tile<Blocks>(w);
      const BlockScales scales = Blocks::scales(w);
#pragma GCC unroll 4
      for (int b = 0; b < 4; ++b) {
        __m512 sum[R];
#pragma GCC unroll 2
        for (int c = 0; c < panels.block; c += 16) {
          __m512i value[8];
#pragma GCC unroll 8
          for (int q = 0; q < 8; ++q) {
            const int column = b * panels.block + c + 8 * (q / 4);
            const __m512i codes = _mm512_load_si512(w + panels.dword_offset(0, column / 8));
            const unsigned shift = unsigned(code_bit(kChainOrder[2 * (q % 4) + 1]));
            value[q] = _mm512_permutexvar_epi16(_mm512_srli_epi16(codes, shift), values);
          }
#pragma GCC unroll 8
          for (int r = 0; r < R; ++r) {
            __m512 chain = _mm512_setzero_ps();
#pragma GCC unroll 8
            for (int q = 0; q < 8; ++q)
              chain =
                  _mm512_dpbf16_ps(chain, (__m512bh)value[q],
                                   broadcast_pair(x + r * p.ldx + b * panels.block + c + 2 * q));
            sum[r] = c == 0 ? chain : _mm512_add_ps(sum[r], chain);
          }
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
    store_tile(p, m, panel, acc);
  }
};

}  // namespace
}  // namespace nibble::cpu
