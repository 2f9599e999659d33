// The house's reduction order, which every ISA and every device follows.
//
// Sixteen virtual lanes: lane j starts at +0 and takes elements j, j + 16, j + 32, ... in that
// order (dot products: with fma). Then a fixed tree: lane j + lane (j + 8) for j < 8, then + 4, +
// 2, + 1. Missing elements of the last sixteen are +0, which changes no lane. Independent of
// threads.
//
// V is the F32x16 of numerics/lanes.h (the default; right everywhere), cpu/math_avx2.h or
// cpu/math_avx512.h; all three give the same bits.
#pragma once
#include "nibble/numerics/lanes.h"

namespace nibble::reduce {

template <class V = numerics::F32x16>
inline float sum(const float* x, int64_t n) {
  V acc(0.0f);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) acc = acc + V::load(x + i);
  if (i < n) acc = acc + V::load(x + i, int(n - i));
  return sum(acc);
}

template <class V = numerics::F32x16>
inline float dot(const float* x, const float* y, int64_t n) {
  V acc(0.0f);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) acc = fma(V::load(x + i), V::load(y + i), acc);
  if (i < n) acc = fma(V::load(x + i, int(n - i)), V::load(y + i, int(n - i)), acc);
  return sum(acc);
}

template <class V = numerics::F32x16>
inline float sum_squares(const float* x, int64_t n) {
  return dot<V>(x, x, n);
}

}  // namespace nibble::reduce
