// The kernel of fp4_s8.h by vpdpbusd, for files compiled for AVX-VNNI: fp4_s8_avx2.h with another
// dot product.
//
// It needs no temporaries, so that the 16 registers can also hold the sums of a block for both
// halves of a panel and T tokens, and what is broadcast of a token meets two registers. The float
// sums are then in memory: a load and a store for a block.
#pragma once
#include "nibble/cpu/fp4_s8_avx2.h"
#include "nibble/cpu/unrolled.h"

namespace nibble::cpu {
namespace {

// Adds in int32 and does not saturate: a block's sum is at most 32 * 24 * 128 = 98304.
struct Fp4VnniDot {
  [[gnu::always_inline]] static __m256i sixteen(__m256i sum, const __m256i* w, const uint8_t* x) {
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) sum = _mm256_dpbusd_avx_epi32(sum, w[q], fp4_broadcast(x + 4 * q));
    return sum;
  }
};

struct Fp4AvxVnni : Fp4Ymm<Fp4VnniDot> {
  // Twice so many sums: 8 for the few products of a block of NVFP4, 12 of 16 for MXFP4.
  template <class F>
  static constexpr int kMany = F::kBlock == 16 ? 4 : 6;
  using Sums = int32_t __attribute__((vector_size(32)));  // as in s8_panels_avx512.h

  // A block of 16 rows and T tokens, added to to[T][stride]; quad(q, half) has 4 columns of 8 rows.
  template <class F, int T, class Quad>
  [[gnu::always_inline]] static void both_halves(const uint8_t* x, const float* scale, float* to,
                                                 int stride, Quad&& quad) {
    Sums sum[T][2];
    unrolled<T>([&](auto t) __attribute__((always_inline)) {
      sum[t][0] = sum[t][1] = Sums(fp4_broadcast(x + 4 * t));
    });
    unrolled<F::kQuads>([&](auto q) __attribute__((always_inline)) {
      const __m256i w[2] = {quad(q, Constant<0>()), quad(q, Constant<1>())};
      unrolled<T>([&](auto t) __attribute__((always_inline)) {
        const __m256i v = fp4_broadcast(x + F::kTokenHead * T + F::kBlock * t + 4 * q);
        unrolled<2>([&](auto h) __attribute__((always_inline)) {
          sum[t][h] = Sums(_mm256_dpbusd_avx_epi32(__m256i(sum[t][h]), w[h], v));
        });
      });
    });
    const __m256 factor[2] = {_mm256_load_ps(scale), _mm256_load_ps(scale + 8)};
    unrolled<2 * T>([&](auto i) __attribute__((always_inline)) {
      constexpr int t = i / 2, h = i % 2;
      float* at = to + stride * t + 8 * h;
      __m256 block = _mm256_cvtepi32_ps(__m256i(sum[t][h]));
      if constexpr (F::kTokenScales)
        block = _mm256_mul_ps(block, _mm256_castsi256_ps(fp4_broadcast(x + 4 * (T + t))));
      _mm256_storeu_ps(at, _mm256_fmadd_ps(block, factor[h], _mm256_loadu_ps(at)));
    });
  }

  // Decoding leaves registers for the products of MXFP4 alone, whose blocks are twice as long.
  template <class F, int T>
  static void few(const uint8_t* panel, const uint8_t* x, int blocks, float* sums) {
    if constexpr (F::kBlock == 16 || T <= 2)
      Fp4Ymm::few<F, T>(panel, x, blocks, sums);
    else
      few_tiles<F, T>(panel, x, blocks, sums);
  }
  template <class F, int T>
  static void few_tiles(const uint8_t* tile, const uint8_t* x, int blocks, float* sums) {
    const __m256i table = load(kCodes.data()), low = _mm256_set1_epi8(15);
    std::fill_n(sums, 16 * T, 0.0f);
    for (; blocks > 0; blocks -= 4, tile += F::kTileBytes) {
#pragma GCC unroll 20
      for (int line = 0; line < F::kTileBytes; line += 64)
        _mm_prefetch(reinterpret_cast<const char*>(tile) + kFp4Ahead + line, _MM_HINT_T0);
      alignas(32) float factors[4][16];
      for (int h = 0; h < 2; ++h) {
        __m256 scale[4];
        scales(F(), load(tile + 32 * h), scale);
        for (int j = 0; j < 4; ++j) _mm256_store_ps(factors[j] + 8 * h, scale[j]);
      }
      for (int j = 0; j < std::min(blocks, 4); ++j, x += F::token_bytes(T)) {
        const uint8_t* codes = tile + 64 + j * F::kCodeBytes;
        both_halves<F, T>(x, factors[j], sums, 16, [&](auto q, auto h) {
          const __m256i v = load(codes + 32 * h + 64 * (q / 2));
          const __m256i code = q % 2 == 0 ? v : _mm256_srli_epi16(v, 4);
          return _mm256_shuffle_epi8(table, _mm256_and_si256(code, low));
        });
      }
    }
  }

  template <class F, size_t P, int T>
  static void many(const uint8_t* unpacked, const uint8_t* tokens, int blocks, float* sums) {
    constexpr int kPanels = int(P);
    for (int p = 0; p < kPanels; ++p) {
      const uint8_t *w = unpacked + 64 * p, *x = tokens;
      for (int b = 0; b < blocks; ++b, w += F::unpacked_bytes(kPanels), x += F::token_bytes(T))
        both_halves<F, T>(x, reinterpret_cast<const float*>(w + 64 * kPanels * F::kQuads),
                          sums + 16 * p, 16 * kPanels,
                          [&](auto q, auto h) { return load(w + 64 * kPanels * q + 32 * h); });
    }
  }
};

}  // namespace
}  // namespace nibble::cpu
