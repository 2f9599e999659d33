// Products of 4-bit panels and activations of 16 bits, two columns of 16 rows an instruction. For
// files compiled with AVX-512 and VBMI.
//
// A shift and vpermw make words of a dword of codes: columns (0 2), (1 3), (4 6), (5 7) of each
// eight. Activations stand in that order, 0 2 1 3 4 6 5 7, and a pair of them is broadcast. A Dot
// says what a product is:
//
//   kValues         the words of the codes, 16 of them twice: vpermw reads 5 bits of its index, a
//                   code and the lowest of the next
//   Sum, zero()     of 16 columns
//   dot(sum, v, x)  sum with the products of two columns added
//   to_float(sum)
//
// Few tokens: a panel is decoded in registers for up to 8 tokens, and read again for the next.
// Many: two panels are unpacked, so many columns that they stay in L1, and a pair of activations
// that is broadcast meets both.
#pragma once
#include <immintrin.h>

#include <cstring>

#include "nibble/cpu/fp4_chains_avx512.h"

namespace nibble::cpu {
namespace {

constexpr int64_t kReadAgain = 8;     // tokens that are few: unpacking for them costs more
constexpr int64_t kManyTokens = 128;  // that unpacked columns serve
constexpr int kUnpacked = 256;        // columns: 16 KiB of two panels

// Words from their order in a row to that of pairs.
[[maybe_unused, gnu::always_inline]] inline __m256i paired_words(__m256i x) {
  return _mm256_shuffle_epi8(x, _mm256_broadcastsi128_si256(_mm_setr_epi8(
                                    0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15)));
}

// Where the words of activations stand, [m][padded_k], in chunks of columns if there are many
// tokens, each of all tokens: a kernel reads them in order.
struct WordOrder {
  int64_t m = 0, padded_k = 0;

  bool chunked() const { return m > kReadAgain; }
  int64_t chunk_width(int64_t k) const {
    if (!chunked()) return padded_k;
    const int64_t left = padded_k - k / kUnpacked * kUnpacked;
    return left < kUnpacked ? left : kUnpacked;
  }
  int64_t at(int64_t i, int64_t k) const {
    const int64_t first = chunked() ? k / kUnpacked * kUnpacked : 0;
    return first * m + i * chunk_width(k) + k - first;
  }
};

[[gnu::always_inline]] inline __m512i broadcast_pair(const uint16_t* x) {
  int32_t pair;
  std::memcpy(&pair, x, 4);
  return _mm512_set1_epi32(pair);
}

// Pair q of eight columns' codes as words.
template <class Dot>
[[gnu::always_inline]] inline __m512i word_values(__m512i codes, int q) {
  const unsigned shift = unsigned(code_bit(kChainOrder[2 * q + 1]));
  return _mm512_permutexvar_epi16(_mm512_srli_epi16(codes, shift), _mm512_load_si512(Dot::kValues));
}

// Tokens of a tile of few: sums of blocks and of rows, 8 values, scales and the table in registers.
template <class Blocks>
constexpr int kFewTokens = Blocks::kPanels.block == 16 ? 8 : 6;

template <class Dot, class Blocks, int R, bool kTokenBlocks>
void few_tokens(const Fp4Chains& p, int64_t m, int64_t panel) {
  constexpr PanelLayout panels = Blocks::kPanels;
  const int64_t tiles = panels.tiles(p.k), blocks = 4 * tiles;
  const uint8_t* w = p.w + panel * panels.panel_bytes(p.k);
  const uint16_t* x = static_cast<const uint16_t*>(p.x) + m * p.ldx;
  __m512 acc[R] = {};
  for (int64_t t = 0; t < tiles; ++t, w += panels.tile_bytes(), x += panels.tile_k()) {
    prefetch_tile<Blocks>(w);
    const BlockScales scales = Blocks::scales(w);
#pragma GCC unroll 4
    for (int b = 0; b < 4; ++b) {
      __m512 block[R];
#pragma GCC unroll 2
      for (int c = 0; c < panels.block; c += 16) {
        const int column = b * panels.block + c;
        __m512i value[8];
#pragma GCC unroll 8
        for (int q = 0; q < 8; ++q)
          value[q] = word_values<Dot>(
              _mm512_load_si512(w + panels.dword_offset(0, column / 8 + q / 4)), q % 4);
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
          typename Dot::Sum sum = Dot::zero();
#pragma GCC unroll 8
          for (int q = 0; q < 8; ++q)
            sum = Dot::dot(sum, value[q], broadcast_pair(x + r * p.ldx + column + 2 * q));
          const __m512 sixteen = Dot::to_float(sum);
          block[r] = c == 0 ? sixteen : _mm512_add_ps(block[r], sixteen);
        }
      }
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        __m512 scale = scales.block[b];
        if (kTokenBlocks)
          scale = _mm512_mul_ps(scale, _mm512_set1_ps(p.x_blocks[(m + r) * blocks + 4 * t + b]));
        acc[r] = _mm512_fmadd_ps(block[r], scale, acc[r]);
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) store_rows(p, m + r, panel, acc[r]);
}

// Columns of P panels, decoded: of two columns a register of each, and scales of blocks.
template <int P>
struct UnpackedPanels {
  alignas(64) uint16_t values[kUnpacked / 2][P][32];
  alignas(64) float scales[kUnpacked / 16][P][16];
};

// Tiles of the chunk that begins at w[].
template <class Dot, class Blocks, int P>
void unpack_panels(const uint8_t* const (&w)[P], int tiles, UnpackedPanels<P>& to) {
  constexpr PanelLayout panels = Blocks::kPanels;
  constexpr int kDwords = panels.tile_k() / 8;
  for (int t = 0; t < tiles; ++t)
#pragma GCC unroll 2
    for (int p = 0; p < P; ++p) {
      const uint8_t* tile = w[p] + t * panels.tile_bytes();
      prefetch_tile<Blocks>(tile);
      const BlockScales scales = Blocks::scales(tile);
#pragma GCC unroll 4
      for (int b = 0; b < 4; ++b) _mm512_store_ps(to.scales[4 * t + b][p], scales.block[b]);
      for (int d = 0; d < kDwords; ++d) {
        const __m512i codes = _mm512_load_si512(tile + panels.dword_offset(0, d));
#pragma GCC unroll 4
        for (int q = 0; q < 4; ++q)
          _mm512_store_si512(to.values[4 * (t * kDwords + d) + q][p], word_values<Dot>(codes, q));
      }
    }
}

// Sums of rows, of blocks and of 16 columns in registers, of P panels, or of blocks of 16 alone.
template <class Blocks>
constexpr int kManyTile = Blocks::kPanels.block == 16 ? 6 : 4;

// R tokens, whose words follow one another; factors of their blocks are `blocks_stride` apart.
template <class Dot, class Blocks, int R, int P, bool kTokenBlocks>
void many_tokens(const UnpackedPanels<P>& w, int blocks, const uint16_t* x, int64_t width,
                 const float* factors, int64_t blocks_stride, float (*sums)[P][16]) {
  constexpr int kPairs = Blocks::kPanels.block / 2;
  __m512 acc[R][P];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (int p = 0; p < P; ++p) acc[r][p] = _mm512_load_ps(sums[r][p]);
  for (int b = 0; b < blocks; ++b) {
    __m512 block[R][P];
#pragma GCC unroll 2
    for (int c = 0; c < kPairs; c += 8) {
      typename Dot::Sum sum[R][P];
#pragma GCC unroll 8
      for (int q = 0; q < 8; ++q) {
        const int pair = b * kPairs + c + q;
        __m512i value[P];
#pragma GCC unroll 2
        for (int p = 0; p < P; ++p) value[p] = _mm512_load_si512(w.values[pair][p]);
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
          const __m512i two = broadcast_pair(x + r * width + 2 * pair);
#pragma GCC unroll 2
          for (int p = 0; p < P; ++p)
            sum[r][p] = Dot::dot(q == 0 ? Dot::zero() : sum[r][p], value[p], two);
        }
      }
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
        for (int p = 0; p < P; ++p) {
          const __m512 sixteen = Dot::to_float(sum[r][p]);
          block[r][p] = c == 0 ? sixteen : _mm512_add_ps(block[r][p], sixteen);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
      for (int p = 0; p < P; ++p) {
        __m512 scale = _mm512_load_ps(w.scales[b][p]);
        if (kTokenBlocks)
          scale = _mm512_mul_ps(scale, _mm512_set1_ps(factors[r * blocks_stride + b]));
        acc[r][p] = _mm512_fmadd_ps(block[r][p], scale, acc[r][p]);
      }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (int p = 0; p < P; ++p) _mm512_store_ps(sums[r][p], acc[r][p]);
}

// Tokens [begin, end) and P panels.
template <class Dot, class Blocks, int P, bool kTokenBlocks>
void unpacked_product(const Fp4Chains& p, int64_t begin, int64_t end, int64_t panel) {
  constexpr PanelLayout panels = Blocks::kPanels;
  constexpr int kTiles = kUnpacked / panels.tile_k();
  const int64_t tiles = panels.tiles(p.k), blocks = 4 * tiles;
  const WordOrder order{p.m, p.ldx};
  UnpackedPanels<P> unpacked;
  alignas(64) float sums[kManyTokens][P][16];
  std::memset(sums, 0, sizeof sums);
  for (int64_t t = 0; t < tiles; t += kTiles) {
    const uint8_t* w[P];
    for (int i = 0; i < P; ++i)
      w[i] = p.w + (panel + i) * panels.panel_bytes(p.k) + t * panels.tile_bytes();
    const int here = int(tiles - t < kTiles ? tiles - t : kTiles);
    unpack_panels<Dot, Blocks, P>(w, here, unpacked);
    const int64_t k = t * panels.tile_k();
    token_tiles<kManyTile<Blocks>>(begin, end, [&](int64_t m, auto count) {
      many_tokens<Dot, Blocks, decltype(count)::value, P, kTokenBlocks>(
          unpacked, 4 * here, static_cast<const uint16_t*>(p.x) + order.at(m, k),
          order.chunk_width(k), kTokenBlocks ? p.x_blocks + m * blocks + 4 * t : nullptr, blocks,
          sums + (m - begin));
    });
  }
  for (int64_t m = begin; m < end; ++m)
    for (int i = 0; i < P; ++i) store_rows(p, m, panel + i, _mm512_load_ps(sums[m - begin][i]));
}

template <class Dot, class Blocks, bool kTokenBlocks>
void multiply_words(const Fp4Chains& p, Pool* pool) {
  constexpr PanelLayout panels = Blocks::kPanels;
  const int64_t count = panels.panels(p.n), bytes = panels.panel_bytes(p.k);
  if (p.m <= kReadAgain)
    return panel_tasks(pool, p.m, count, bytes, [&](int64_t begin, int64_t end, int64_t panel) {
      token_tiles<kFewTokens<Blocks>>(begin, end, [&](int64_t m, auto tokens) {
        few_tokens<Dot, Blocks, decltype(tokens)::value, kTokenBlocks>(p, m, panel);
      });
    });
  panel_tasks<2, kManyTokens>(
      pool, p.m, count, bytes, [&](int64_t begin, int64_t end, int64_t panel) {
        if (panel + 1 < count)
          unpacked_product<Dot, Blocks, 2, kTokenBlocks>(p, begin, end, panel);
        else
          unpacked_product<Dot, Blocks, 1, kTokenBlocks>(p, begin, end, panel);
      });
}

}  // namespace
}  // namespace nibble::cpu
