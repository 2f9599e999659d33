// Kernels of dense.h for 256-bit registers, of which a panel is four. Included by cpu_avx2*.cpp.
#pragma once
#include <immintrin.h>

#include "nibble/cpu/dense.h"

namespace nibble::cpu {
namespace {

// How weights are read: widened(b, v, part) gives register v of a panel's step, or of its odd
// (part 0) or even neighbours.

struct F32By256 {
  using Weight = float;
  static constexpr DensePanel kLayout = kDensePanelOf<float>;
  static constexpr int kParts = 1;
  static void parts(const float* x, int64_t, float* to, int64_t) { *to = *x; }
  static __m256 widened(const float* b, int v, int) { return _mm256_load_ps(b + 8 * v); }
};

struct Fp16By256 {
  using Weight = fp16;
  static constexpr DensePanel kLayout = kDensePanelOf<fp16>;
  static constexpr int kParts = 1;
  static void parts(const fp16* x, int64_t, float* to, int64_t) { *to = _cvtsh_ss(x->bits); }
  static __m256 widened(const fp16* b, int v, int) {
    return _mm256_cvtph_ps(_mm_load_si128(reinterpret_cast<const __m128i*>(b + 8 * v)));
  }
};

struct Bf16By256 {
  using Weight = bf16;
  static constexpr DensePanel kLayout = kDensePanelOf<bf16>;
  static constexpr int kParts = 2;
  static void parts(const bf16* x, int64_t left, float* to, int64_t stride) {
    to[0] = left > 1 ? to_float(flushed(x[1])) : 0.0f;
    to[stride] = to_float(flushed(x[0]));
  }
  static __m256 widened(const bf16* b, int v, int part) {
    const __m256i pairs = _mm256_load_si256(reinterpret_cast<const __m256i*>(b + 16 * v));
    return _mm256_castsi256_ps(part == 0
                                   ? _mm256_and_si256(pairs, _mm256_set1_epi32(int(0xffff0000u)))
                                   : _mm256_slli_epi32(pairs, 16));
  }
};

// The first `count` lanes.
inline __m256i lanes(int64_t count) {
  const __m256i at = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(int(count < 0 ? 0 : count < 8 ? count : 8)), at);
}

// R rows by V registers from register `from` of the panel on; V of 8 are two panels. Loops over
// rows and registers are unrolled by pragma: -O2 alone keeps the accumulators in memory.
template <class F, int R, int V>
void tile256(const Tile<float, typename F::Weight>& t, int from) {
  constexpr int64_t step = F::kLayout.step_elements();
  constexpr int64_t ahead = 8192 / (V > 4 ? 2 : 1) / int64_t(sizeof(typename F::Weight));
  constexpr int64_t line = 64 / sizeof(typename F::Weight);
  const int64_t columns = t.columns - 8 * from;
  float* y = t.y + 8 * from;
  __m256 acc[R][V];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v)
      acc[r][v] = t.begins ? _mm256_setzero_ps()
                           : _mm256_maskload_ps(y + r * t.ldy + 8 * v, lanes(columns - 8 * v));
  }
  const float* a = t.a;
  const typename F::Weight* b = t.b;
  for (int64_t q = 0; q < t.steps; ++q, b += step) {
    if constexpr (V >= 4) {  // weights that serve few rows
#pragma GCC unroll 2
      for (int p = 0; p < V / 4; ++p)
#pragma GCC unroll 4
        for (int64_t i = 0; i < step; i += line) __builtin_prefetch(b + p * t.panel + ahead + i);
    }
#pragma GCC unroll 2
    for (int part = 0; part < F::kParts; ++part, a += R)
      if constexpr (V == 2) {  // two registers of weights meet row after row
        const __m256 w0 = F::widened(b, from, part), w1 = F::widened(b, from + 1, part);
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
          const __m256 x = _mm256_broadcast_ss(a + r);
          acc[r][0] = _mm256_fmadd_ps(x, w0, acc[r][0]);
          acc[r][1] = _mm256_fmadd_ps(x, w1, acc[r][1]);
        }
      } else {  // rows wait in registers for weights
        __m256 x[R];
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) x[r] = _mm256_broadcast_ss(a + r);
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) {
          const __m256 w = F::widened(b + v / 4 * t.panel, v % 4, part);
#pragma GCC unroll 8
          for (int r = 0; r < R; ++r) acc[r][v] = _mm256_fmadd_ps(x[r], w, acc[r][v]);
        }
      }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v)
      _mm256_maskstore_ps(y + r * t.ldy + 8 * v, lanes(columns - 8 * v), acc[r][v]);
  }
}

// Four and more rows have registers for half a panel at a time.
template <class F, int R>
void by_halves256(const Tile<float, typename F::Weight>& t, int) {
  tile256<F, R, 2>(t, 0);
  if (t.columns > 16) tile256<F, R, 2>(t, 2);
}

template <class F>
struct DenseBy256 : F {
  using Activation = float;
  static constexpr int kRows = 6;  // x 2 registers = 12 of 16
  static constexpr int kFewRows = 1;
  static void tile(const Tile<float, typename F::Weight>& t, int rows, int panels) {
    constexpr void (*kTiles[])(const Tile<float, typename F::Weight>&, int) = {
        tile256<F, 1, 8>,   tile256<F, 1, 4>,   tile256<F, 2, 4>,  tile256<F, 3, 4>,
        by_halves256<F, 4>, by_halves256<F, 5>, by_halves256<F, 6>};
    kTiles[panels == 2 ? 0 : rows](t, 0);
  }
};

}  // namespace
}  // namespace nibble::cpu
