// The kernel, once for every ISA: V is sixteen floats (numerics/lanes.h and its SIMD twins). A row
// of y stays in L1 or L2 until it is encoded.
#pragma once
#include "nibble/numerics/elementary.h"
#include "nibble/ops/gelu_tanh_quantise/kernels.h"

namespace nibble::gelu_tanh_quantise {

template <class V>
V gelu_tanh(V x) {
  const V inner = fma(V(0.044715f) * (x * x), x, x);
  return (x * V(0.5f)) * (V(1.0f) + math::tanh(V(0.7978845608f) * inner));
}

// load(p, i) widens sixteen elements from p + i, as_bf16() rounds to bf16 and back.
template <class V, class T, class Load, class Round>
void run_as(std::string_view variant, const Args& a, const Exec& e, Load load, Round as_bf16) {
  parallel_for(e.pool, a.rows, rows_per_task(a.cols), [&](int64_t begin, int64_t end) {
    alignas(64) float y[kMaxCols];
    for (int64_t r = begin; r < end; ++r) {
      const T* x = static_cast<const T*>(a.x.data) + r * a.ld;
      for (int64_t i = 0; i < a.cols; i += 16) {
        V v = gelu_tanh<V>(load(x + i));
        if (a.round_bf16) v = as_bf16(v);
        v.store(y + i);
      }
      encode_rows::encode(
          variant,
          {.rows = 1, .cols = a.cols, .x = y, .to = encode_rows::from_row(a.to, r, a.cols)});
    }
  });
}

template <class V, class Load, class Round>
void run(std::string_view variant, const Args& a, const Exec& e, Load load, Round as_bf16) {
  if (a.x.type == DType::bf16) return run_as<V, bf16>(variant, a, e, load, as_bf16);
  run_as<V, float>(variant, a, e, load, as_bf16);
}

}  // namespace nibble::gelu_tanh_quantise
