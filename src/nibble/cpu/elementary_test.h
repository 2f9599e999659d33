// Private to the tests of the elementary functions: one entry point per ISA.
#pragma once
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "nibble/numerics/reduce.h"

namespace nibble::cpu {

enum class Fn : uint8_t { exp, expm1, log, sigmoid, tanh, round_fp16 };
inline constexpr Fn kFns[] = {Fn::exp, Fn::expm1, Fn::log, Fn::sigmoid, Fn::tanh, Fn::round_fp16};

// y[i] = fn(x[i]); sums: out[n] = sum and dot[n] = sum of squares of the first n of 0..max.
void apply_scalar(Fn, const float* x, float* y, int64_t n);
void apply_portable(Fn, const float* x, float* y, int64_t n);
void apply_avx2(Fn, const float* x, float* y, int64_t n);
void apply_avx512(Fn, const float* x, float* y, int64_t n);
void sums_portable(const float* x, int max, float* out, float* dot);
void sums_avx2(const float* x, int max, float* out, float* dot);
void sums_avx512(const float* x, int max, float* out, float* dot);

namespace {  // compiled for each ISA

template <class V>
V value(Fn fn, V x) {
  if constexpr (!std::is_same_v<V, float>)
    if (fn == Fn::round_fp16) return round_fp16(x);
  switch (fn) {
    case Fn::exp:
      return math::exp(x);
    case Fn::expm1:
      return math::expm1(x);
    case Fn::log:
      return math::log(x);
    case Fn::sigmoid:
      return math::sigmoid(x);
    case Fn::tanh:
      return math::tanh(x);
    default:
      return x;
  }
}

template <class V>
void apply(Fn fn, const float* x, float* y, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) {
    const int count = n - i < 16 ? int(n - i) : 16;
    value(fn, V::load(x + i, count)).store(y + i, count);
  }
}

template <class V>
void sums(const float* x, int max, float* out, float* dot) {
  for (int n = 0; n <= max; ++n) {
    out[n] = reduce::sum<V>(x, n);
    dot[n] = reduce::sum_squares<V>(x, n);
  }
}

}  // namespace
}  // namespace nibble::cpu
