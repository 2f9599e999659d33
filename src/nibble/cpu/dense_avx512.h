// Kernels of dense.h for 512-bit registers. Included by cpu_avx512*.cpp only.
#pragma once
#include <immintrin.h>

#include <cstring>

#include "nibble/cpu/dense.h"
#include "nibble/cpu/fetch_write.h"

namespace nibble::cpu {
namespace {

// How weights are read and multiplied. step() adds a step of k to the sums of R rows and V
// registers of 16 columns; `b` gives the address of the step in a register's panel.

struct F32By512 {
  using Weight = float;
  using Activation = float;
  static constexpr DensePanel kLayout = kDensePanelOf<float>;
  static constexpr int kParts = 1;
  static void parts(const float* x, int64_t, float* to, int64_t) { *to = *x; }
  template <int R, int V, class At>
  static void step(const float* a, At b, __m512 (&acc)[R][V]) {
    __m512 w[V];
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) w[v] = _mm512_load_ps(b(v / 2) + v % 2 * 16);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const __m512 x = _mm512_set1_ps(a[r]);
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) acc[r][v] = _mm512_fmadd_ps(x, w[v], acc[r][v]);
    }
  }
};

// Sixteen halves to a register of floats, exactly.
struct Fp16By512 {
  using Weight = fp16;
  using Activation = float;
  static constexpr DensePanel kLayout = kDensePanelOf<fp16>;
  static constexpr int kParts = 1;
  static void parts(const fp16* x, int64_t, float* to, int64_t) { *to = _cvtsh_ss(x->bits); }
  template <int R, int V, class At>
  static void step(const float* a, At b, __m512 (&acc)[R][V]) {
    __m512 w[V];
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v)
      w[v] = _mm512_cvtph_ps(
          _mm256_load_si256(reinterpret_cast<const __m256i*>(b(v / 2) + v % 2 * 16)));
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const __m512 x = _mm512_set1_ps(a[r]);
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) acc[r][v] = _mm512_fmadd_ps(x, w[v], acc[r][v]);
    }
  }
};

// Pairs widened to float: the odd ones are a mask away, the even ones a shift. The odd one is added
// first, as vdpbf16ps does it.
struct Bf16By512 {
  using Weight = bf16;
  using Activation = float;
  static constexpr DensePanel kLayout = kDensePanelOf<bf16>;
  static constexpr int kParts = 2;
  static void parts(const bf16* x, int64_t left, float* to, int64_t stride) {
    to[0] = left > 1 ? to_float(flushed(x[1])) : 0.0f;
    to[stride] = to_float(flushed(x[0]));
  }
  template <int R, int V, class At>
  static void step(const float* a, At b, __m512 (&acc)[R][V]) {
    const __m512i odd = _mm512_set1_epi32(int32_t(0xffff0000u));
#pragma GCC unroll 2
    for (int part = 0; part < 2; ++part) {
      __m512 w[V];
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) {
        const __m512i pairs = _mm512_load_si512(b(v / 2) + v % 2 * 32);
        w[v] = _mm512_castsi512_ps(part == 0 ? _mm512_and_si512(pairs, odd)
                                             : _mm512_slli_epi32(pairs, 16));
      }
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const __m512 x = _mm512_set1_ps(a[part * R + r]);
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) acc[r][v] = _mm512_fmadd_ps(x, w[v], acc[r][v]);
      }
    }
  }
};

#if defined(__AVX512BF16__)
struct Bf16Pairs {
  using Weight = bf16;
  using Activation = uint32_t;
  static constexpr DensePanel kLayout = kDensePanelOf<bf16>;
  static constexpr int kParts = 1;
  static void parts(const bf16* x, int64_t left, uint32_t* to, int64_t) {
    *to = x[0].bits | uint32_t(left > 1 ? x[1].bits : 0) << 16;
  }
  template <int R, int V, class At>
  static void step(const uint32_t* a, At b, __m512 (&acc)[R][V]) {
    __m512i w[V];
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) w[v] = _mm512_load_si512(b(v / 2) + v % 2 * 32);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const __m512i x = _mm512_set1_epi32(int32_t(a[r]));
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v)
        acc[r][v] = _mm512_dpbf16_ps(acc[r][v], (__m512bh)x, (__m512bh)w[v]);
    }
  }
};
#endif

// R rows by P panels. Loops over rows and registers are unrolled by pragma: -O2 alone keeps the
// accumulators in memory.
template <class F, int R, int P>
void tile512(const Tile<typename F::Activation, typename F::Weight>& t) {
  constexpr int V = 2 * P;
  // Where a line of weights serves few rows, memory binds: 8 KiB are on their way, so that neither
  // its latency nor the end of a 4 KiB page is waited for.
  constexpr int64_t ahead = 8192 / P / int64_t(sizeof(typename F::Weight));
  constexpr int64_t step = F::kLayout.step_elements();
  constexpr int64_t line = 64 / sizeof(typename F::Weight);
  __mmask16 columns[V];
#pragma GCC unroll 8
  for (int v = 0; v < V; ++v) {
    const int64_t left = t.columns - 16 * v;
    columns[v] = __mmask16(left >= 16 ? 0xffff : left > 0 ? (1 << left) - 1 : 0);
  }
  __m512 acc[R][V];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v)
      acc[r][v] = t.begins ? _mm512_setzero_ps()
                           : _mm512_maskz_loadu_ps(columns[v], t.y + r * t.ldy + 16 * v);
  }
  const auto* a = t.a;
  const auto* b = t.b;
  const char *weights = t.weights_ahead.from, *rows = t.rows_ahead.from;
  // The rows of y are fetched one after another.
  const float* y = t.y;
  int64_t turn = 0;
  for (int64_t q = 0; q < t.steps; ++q, a += R * F::kParts, b += step) {
    if (q == turn) {
      turn += (t.steps + R - 1) / R;
      for (int v = 0; v < V; ++v) fetch_write(y + 16 * v);
      fetch_write(y + 16 * V - 1);  // rows may begin anywhere in a line
      y += t.ldy;
    }
    if constexpr (R > 8) {
      __builtin_prefetch(weights, 0, 2), weights += t.weights_ahead.stride;
      __builtin_prefetch(rows, 0, 2), rows += t.rows_ahead.stride;
    } else {
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
        for (int64_t i = 0; i < step; i += line) __builtin_prefetch(b + p * t.panel + ahead + i);
    }
    F::template step<R, V>(
        a, [&](int p) { return b + p * t.panel; }, acc);
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v)
      _mm512_mask_storeu_ps(t.y + r * t.ldy + 16 * v, columns[v], acc[r][v]);
  }
}

template <class F>
struct DenseBy512 : F {
  static constexpr int kRows = 14;  // x 2 registers = 28 accumulators
  static constexpr int kFewRows = 2;
  static void tile(const Tile<typename F::Activation, typename F::Weight>& t, int rows,
                   int panels) {
    constexpr void (*kTiles[])(const Tile<typename F::Activation, typename F::Weight>&) = {
        tile512<F, 1, 2>,  tile512<F, 2, 2>,  tile512<F, 1, 1>,  tile512<F, 2, 1>,
        tile512<F, 3, 1>,  tile512<F, 4, 1>,  tile512<F, 5, 1>,  tile512<F, 6, 1>,
        tile512<F, 7, 1>,  tile512<F, 8, 1>,  tile512<F, 9, 1>,  tile512<F, 10, 1>,
        tile512<F, 11, 1>, tile512<F, 12, 1>, tile512<F, 13, 1>, tile512<F, 14, 1>};
    kTiles[panels == 2 ? rows - 1 : kFewRows + rows - 1](t);
  }
};

}  // namespace
}  // namespace nibble::cpu
