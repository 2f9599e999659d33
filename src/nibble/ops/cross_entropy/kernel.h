// Private to this folder: the rows, written once for every F32x16.
#pragma once
#include "nibble/numerics/elementary.h"
#include "nibble/ops/cross_entropy/cross_entropy.h"

namespace nibble::cross_entropy {
namespace {

inline constexpr int64_t kRowsPerTask = 64;  // a multiple of 16

// Logits of one row to l, padded with -inf to a multiple of 16; returns their maximum.
template <class V>
float logits_of_row(const Args& a, int64_t row, const float* bias, float* l) {
  const V scale(a.scale);
  V top(-INFINITY);
  for (int j = 0; j < a.symbols; j += 16) {
    const int count = a.symbols - j < 16 ? a.symbols - j : 16;
    const int64_t at = row * a.ld + j;
    const V x =
        a.source == Source::f32 ? V::load(a.logits + at, count) : V::load_i32(a.sums + at, count);
    const V logit = fma(x, scale, V::load(bias + j));  // missing columns: 0 * scale - inf
    logit.store(l + j);
    top = max(top, logit);
  }
  return max_lane(top);
}

template <class V>
void gradient_of_row(const Args& a, int64_t row, const float* e, float total) {
  const V inverse(1.0f / total);
  float* g = a.gradient + row * a.ld_gradient;
  for (int j = 0; j < a.symbols; j += 16)
    (V::load(e + j) * inverse).store(g + j, a.symbols - j < 16 ? a.symbols - j : 16);
  g[a.target[row]] -= 1.0f;
}

template <class V>
void run_rows(const Args& a, const Exec& ex) {
  parallel_for(ex.pool, a.rows, kRowsPerTask, [&](int64_t begin, int64_t end) {
    alignas(64) float bias[kMaxSymbols], l[kMaxSymbols];
    for (int j = 0; j < kMaxSymbols; ++j)
      bias[j] = j >= a.symbols ? -INFINITY : a.biased ? a.bias[j] : 0.0f;
    for (int64_t first = begin; first < end; first += 16) {
      const int rows = end - first < 16 ? int(end - first) : 16;
      alignas(64) float total[16] = {}, below[16] = {};  // below: l_target - m
      for (int i = 0; i < rows; ++i) {
        const int64_t row = first + i;
        const float m = logits_of_row<V>(a, row, bias, l);
        below[i] = l[a.target[row]] - m;
        V acc(0.0f);
        for (int j = 0; j < a.symbols; j += 16) {
          const V e = math::exp(V::load(l + j) - V(m));
          acc = acc + e;
          if (a.ld_gradient) e.store(l + j);
        }
        total[i] = sum(acc);
        if (a.ld_gradient) gradient_of_row<V>(a, row, l, total[i]);
      }
      (math::log(V::load(total) + V(a.eps)) - V::load(below)).store(a.loss + first, rows);
    }
  });
}

}  // namespace
}  // namespace nibble::cross_entropy
