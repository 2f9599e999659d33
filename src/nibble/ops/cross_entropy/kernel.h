// Private to this folder: the rows, written once for every F32x16.
#pragma once
#include <type_traits>

#include "nibble/numerics/elementary.h"
#include "nibble/ops/cross_entropy/cross_entropy.h"

namespace nibble::cross_entropy {
namespace {

inline constexpr int64_t kRowsPerTask = 64;  // a multiple of 16
inline constexpr int kRows = 16;             // worked on together: their sums fill one vector

// math::exp of a finite x <= 0, bit for bit: no upper bound and no NaN to look for.
template <class V>
V exp_below_one(V x) {
  const V c = max(V(-105.0f), x);
  const V n = fma(c, V(0x1.715476p+0f), V(math::kMagic)) - V(math::kMagic);
  return scale2(V(1.0f) + math::reduced_expm1(c, n), n);
}

// Lane i: the sum, or the maximum, over the lanes of row i. cpu_avx512.cpp has one that reduces all
// rows at once, in the same order.
template <class V>
V sums_of(const V* rows) {
  alignas(64) float sums[kRows];
  for (int i = 0; i < kRows; ++i) sums[i] = sum(rows[i]);
  return V::load(sums);
}
template <class V>
V maxima_of(const V* rows) {
  alignas(64) float maxima[kRows];
  for (int i = 0; i < kRows; ++i) maxima[i] = max_lane(rows[i]);
  return V::load(maxima);
}

// Sums with +step where the bit is set and -step elsewhere, as floats; zeros from `count` on.
// cpu_avx512.cpp has one that adds in a register.
template <class V>
V noisy(V, const int32_t* sums, int count, uint16_t bits, int32_t step) {
  alignas(64) int32_t x[16];
  for (int i = 0; i < count; ++i) x[i] = sums[i] + ((bits >> i & 1) != 0 ? step : -step);
  return V::load_i32(x, count);
}

// Logits of one row to l, padded with -inf to a multiple of 16; returns the maximum by lanes.
template <class V, Source kSource, bool kNoise>
V logits_of_row(const Args& a, int64_t row, const float* bias, float* l) {
  const V scale(a.scale);
  V top(-INFINITY);
  const uint16_t* noise = kNoise ? a.noise + row / a.share * ((a.symbols + 15) / 16) : nullptr;
  const auto sixteen = [&](int j, int count) {
    const int64_t at = row * a.ld + j;
    V x;
    if constexpr (kNoise)
      x = noisy(V(), a.sums + at, count, noise[j / 16], a.steps[row]);
    else
      x = kSource == Source::f32 ? V::load(a.logits + at, count) : V::load_i32(a.sums + at, count);
    const V logit = fma(x, scale, V::load(bias + j));  // missing columns: 0 * scale - inf
    logit.store(l + j);
    top = max(top, logit);
  };
  int j = 0;
  for (; j + 16 <= a.symbols; j += 16) sixteen(j, 16);
  if (j < a.symbols) sixteen(j, a.symbols - j);
  return top;
}

template <class V>
void gradient_of_row(const Args& a, int64_t row, const float* e, float total) {
  const V inverse(1.0f / total);
  float* g = a.gradient + row * a.ld_gradient;
  for (int j = 0; j < a.symbols; j += 16)
    (V::load(e + j) * inverse).store(g + j, a.symbols - j < 16 ? a.symbols - j : 16);
  g[a.target[row]] -= 1.0f;
}

// Up to kRows rows from `first` on; l holds their logits.
template <class V, Source kSource, bool kNoise>
void block_of_rows(const Args& a, int64_t first, int rows, const float* bias, float* l) {
  const int padded = (a.symbols + 15) / 16 * 16;
  V lanes[kRows];
  alignas(64) float top[kRows], below[kRows] = {};  // below: l_target - top
  for (int i = 0; i < kRows; ++i)
    lanes[i] =
        i < rows ? logits_of_row<V, kSource, kNoise>(a, first + i, bias, l + i * padded) : V(0.0f);
  maxima_of(lanes).store(top);
  for (int i = 0; i < rows; ++i) below[i] = l[i * padded + a.target[first + i]] - top[i];
  const auto exponentials = [&](auto keep) {
    for (int i = 0; i < kRows; ++i) {
      V total(0.0f);
      const V most(top[i]);
      float* row = l + i * padded;
      for (float* p = row; i < rows && p != row + padded; p += 16) {
        const V e = exp_below_one(V::load(p) - most);
        total = total + e;
        if constexpr (keep) e.store(p);
      }
      lanes[i] = total;
    }
  };
  a.ld_gradient ? exponentials(std::true_type()) : exponentials(std::false_type());
  const V total = sums_of(lanes);
  (math::log(total + V(a.eps)) - V::load(below)).store(a.loss + first, rows);
  if (!a.ld_gradient) return;
  alignas(64) float totals[kRows];
  total.store(totals);
  for (int i = 0; i < rows; ++i) gradient_of_row<V>(a, first + i, l + i * padded, totals[i]);
}

template <class V>
void run_rows(const Args& a, const Exec& ex) {
  parallel_for(ex.pool, a.rows, kRowsPerTask, [&](int64_t begin, int64_t end) {
    alignas(64) float bias[kMaxSymbols], l[kRows * kMaxSymbols];
    for (int j = 0; j < (a.symbols + 15) / 16 * 16; ++j)
      bias[j] = j >= a.symbols ? -INFINITY : a.biased ? a.bias[j] : 0.0f;
    for (int64_t first = begin; first < end; first += kRows) {
      const int rows = end - first < kRows ? int(end - first) : kRows;
      if (a.source == Source::f32)
        block_of_rows<V, Source::f32, false>(a, first, rows, bias, l);
      else if (a.noise)
        block_of_rows<V, Source::s32, true>(a, first, rows, bias, l);
      else
        block_of_rows<V, Source::s32, false>(a, first, rows, bias, l);
    }
  });
}

}  // namespace
}  // namespace nibble::cross_entropy
