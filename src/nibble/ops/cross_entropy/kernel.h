// Private to this folder: logits from memory, written once for every F32x16.
#pragma once
#include "nibble/cpu/loss_blocks.h"
#include "nibble/ops/cross_entropy/cross_entropy.h"

namespace nibble::cross_entropy {
namespace {

using cpu::kLossRows;
using cpu::kQuarter;
using Shape = cpu::LossShape;
template <class V>
using Block = cpu::LossBlock<V>;
template <class V>
using Packs = cpu::LossPacks<V>;
static_assert(kMaxSymbols == cpu::kMaxLossSymbols);

// Sums with +step where the bit is set and -step elsewhere, as floats; zeros from `count` on.
// cpu_avx512.cpp has one that adds in a register.
template <class V>
V noisy(V, const int32_t* sums, int count, uint16_t bits, int32_t step) {
  alignas(64) int32_t x[16];
  for (int i = 0; i < count; ++i) x[i] = sums[i] + ((bits >> i & 1) != 0 ? step : -step);
  return V::load_i32(x, count);
}

enum class NoiseOf { none, all, each };  // rows: all read one row of noise, or each its own

// Logits of N rows from row i of the block on to l, padded with -inf to a multiple of 16, and their
// maxima by lanes.
template <class V, int N, Source kSource, NoiseOf kNoise>
void logits_of_rows(const Args& a, const Shape& s, Block<V>& b, int i, int64_t noise_row,
                    const float* bias, V* lanes) {
  const V scale(a.scale);
  const int whole = s.whole, padded = s.padded;
  const float* logits[N];
  const int32_t* sums[N];
  const uint16_t* bits[N];
  int32_t step[N];
  V top[N];
  cpu::unrolled<N>([&](auto r) {
    const int64_t row = b.row(i + r);
    top[r] = V(-INFINITY);
    logits[r] = a.logits + (kSource == Source::f32 ? row * a.ld : 0);
    sums[r] = a.sums + (kSource == Source::s32 ? row * a.ld : 0);
    const int64_t own = kNoise == NoiseOf::all ? noise_row : row / a.share;
    bits[r] = kNoise == NoiseOf::none ? nullptr : a.noise + own * ((a.symbols + 15) / 16);
    step[r] = kNoise == NoiseOf::none ? 0 : a.steps[row];
  });
  float* l = b.l + i * padded;
  const auto sixteen = [&](int j, int count) __attribute__((always_inline)) {
    const V more = V::load(bias + j);
    const uint16_t word = kNoise == NoiseOf::all ? bits[0][j / 16] : 0;
    cpu::unrolled<N>([&](auto r) __attribute__((always_inline)) {
      V x;
      if constexpr (kNoise != NoiseOf::none)
        x = noisy(V(), sums[r] + j, count, kNoise == NoiseOf::all ? word : bits[r][j / 16],
                  step[r]);
      else if constexpr (kSource == Source::f32)
        x = V::load(logits[r] + j, count);
      else
        x = V::load_i32(sums[r] + j, count);
      const V logit = fma(x, scale, more);  // missing columns: 0 * scale - inf
      logit.store(l + r * padded + j);
      top[r] = max(top[r], logit);
    });
  };
  for (int j = 0; j != whole; j += 16) sixteen(j, 16);
  if (padded != whole) sixteen(whole, a.symbols - whole);
  if constexpr (Packs<V>::exist) {
    if (s.packed) {
      const int count = a.symbols - whole;
      unsigned plus = 0;
      cpu::unrolled<N>([&](auto r) __attribute__((always_inline)) {
        if constexpr (kNoise != NoiseOf::none)
          plus |= (bits[kNoise == NoiseOf::all ? 0 : int(r)][whole / 16] & 15u) << kQuarter * r;
      });
      V x;
      if constexpr (kSource == Source::f32)
        x = Packs<V>::load(logits, whole, count);
      else if constexpr (kNoise == NoiseOf::none)
        x = Packs<V>::load(sums, whole, count);
      else
        x = Packs<V>::noisy(sums, whole, count, plus, step);
      const V logit = fma(x, scale, Packs<V>::repeated(bias + whole));
      logit.store(b.packs[i / kQuarter]);
      cpu::unrolled<N>([&](auto r) __attribute__((always_inline)) {
        top[r] = Packs<V>::template with_max<r.value>(top[r], logit);
      });
    }
  }
  cpu::unrolled<N>([&](auto r) { lanes[i + r] = top[r]; });
}

template <class V>
void gradient_of_row(const Args& a, int64_t row, const float* e, float total) {
  const V inverse(1.0f / total);
  float* g = a.gradient + row * a.ld_gradient;
  for (int j = 0; j < a.symbols; j += 16)
    (V::load(e + j) * inverse).store(g + j, a.symbols - j < 16 ? a.symbols - j : 16);
  g[a.target[row]] -= 1.0f;
}

// Logits of a block and their maxima.
template <class V, int kTogether, Source kSource>
void logits_of_block(const Args& a, const Shape& s, const float* bias, Block<V>& b) {
  V lanes[kLossRows];
  const int64_t noise_row = b.first / a.share;
  const auto rows = [&](auto noise) {
    for (int i = 0; i < kLossRows; i += kTogether)
      logits_of_rows<V, kTogether, kSource, decltype(noise)::value>(a, s, b, i, noise_row, bias,
                                                                    lanes);
  };
  if (kSource == Source::f32 || !a.noise)
    rows(std::integral_constant<NoiseOf, NoiseOf::none>());
  else if constexpr (kSource == Source::s32)
    (b.first + b.rows - 1) / a.share == noise_row
        ? rows(std::integral_constant<NoiseOf, NoiseOf::all>())
        : rows(std::integral_constant<NoiseOf, NoiseOf::each>());
  cpu::tops_and_targets(s, a.target, lanes, b);
}

template <class V>
void gradient_of_block(const Args& a, const Shape& s, const Block<V>& b) {
  alignas(64) float totals[kLossRows];
  b.total.store(totals);
  for (int i = 0; i < b.rows; ++i)
    gradient_of_row<V>(a, b.first + i, b.l + i * s.padded, totals[i]);
}

template <class V, int kTogether, Source kSource>
void losses_of_blocks(const Args& a, const Shape& s, const float* bias, Block<V>* b, int blocks) {
  for (int i = 0; i < blocks; ++i) logits_of_block<V, kTogether, kSource>(a, s, bias, b[i]);
  for (int i = 0; i < blocks; ++i)
    a.ld_gradient ? cpu::exponentials<V, kTogether, true>(s, b[i])
                  : cpu::exponentials<V, kTogether, false>(s, b[i]);
  for (int i = 0; i < blocks; ++i) cpu::store_losses(b[i], a.eps, a.loss);
  for (int i = 0; i < blocks && a.ld_gradient; ++i) gradient_of_block(a, s, b[i]);
}

template <class V, int kTogether>
void run_rows(const Args& a, const Exec& ex) {
  const Shape s = cpu::loss_shape<V>(a.symbols, a.ld_gradient != 0);
  static_assert(!Packs<V>::exist || kTogether == kQuarter);
  parallel_for(ex.pool, a.rows, cpu::kLossRowsPerTask, [&](int64_t begin, int64_t end) {
    alignas(64) float bias[kMaxSymbols];
    cpu::pad_bias<V>(a.bias, a.symbols, bias);
    cpu::in_loss_blocks<V>(s, begin, end, [&](Block<V>* b, int blocks) {
      a.source == Source::f32 ? losses_of_blocks<V, kTogether, Source::f32>(a, s, bias, b, blocks)
                              : losses_of_blocks<V, kTogether, Source::s32>(a, s, bias, b, blocks);
    });
  });
}

}  // namespace
}  // namespace nibble::cross_entropy
