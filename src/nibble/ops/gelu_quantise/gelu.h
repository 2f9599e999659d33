// The kernel, once for every ISA: V is sixteen floats (numerics/lanes.h and its SIMD twins),
// `store` rounds them to int8 and writes the first `count`.
#pragma once
#include "nibble/numerics/elementary.h"
#include "nibble/ops/gelu_quantise/kernels.h"

namespace nibble::gelu_quantise {

template <class V>
V gelu(V u) {
  const V inner = fma(V(0.044715f) * (u * u), u, u);
  return V(0.5f) * u * (V(1.0f) + math::tanh(V(0.7978845608f) * inner));
}

template <class V, class Store>
void run(const Args& a, const Exec& e, Store store) {
  parallel_for(e.pool, a.rows, kRowsPerTask, [&](int64_t begin, int64_t end) {
    const V sum_scale(a.sum_scale), out_scale(a.out_scale);
    for (int64_t r = begin; r < end; ++r) {
      const int64_t row = r * a.cols;
      const float* bias = a.bias_rows ? a.bias + r % a.bias_rows * a.cols : nullptr;
      for (int j = 0; j < a.cols; j += 16) {
        const int count = a.cols - j < 16 ? a.cols - j : 16;
        V u = sum_scale * V::load_i32(a.sum + row + j, count);
        if (bias) u = u + V::load(bias + j, count);
        store(a.y + row + j, out_scale * gelu(u), count);
      }
    }
  });
}

}  // namespace nibble::gelu_quantise
