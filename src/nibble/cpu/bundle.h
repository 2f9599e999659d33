// Several F32x16 worked on in step: each operation for all of them before the next. A function of
// numerics/elementary.h is a chain of a dozen dependent operations, and a scheduler that is filled
// with the chain of one vector does not see the next; written over a Bundle, N chains advance
// together. N that leaves registers for constants: 4 of AVX-512, 1 where a V is two or more.
#pragma once
#include "nibble/cpu/unrolled.h"

namespace nibble::cpu {
namespace {

template <class V, int N>
struct Bundle {
  V v[N];

  Bundle() = default;
  explicit Bundle(float x) {
    unrolled<N>([&](auto i) { v[i] = V(x); });
  }
  // f(0), f(1), ... f(N - 1).
  template <class F>
  [[gnu::always_inline]] static inline Bundle each(F f) {
    Bundle r;
    unrolled<N>([&](auto i) { r.v[i] = f(i); });
    return r;
  }

  friend Bundle operator+(const Bundle& a, const Bundle& b) {
    return each([&](int i) { return a.v[i] + b.v[i]; });
  }
  friend Bundle operator-(const Bundle& a, const Bundle& b) {
    return each([&](int i) { return a.v[i] - b.v[i]; });
  }
  friend Bundle operator*(const Bundle& a, const Bundle& b) {
    return each([&](int i) { return a.v[i] * b.v[i]; });
  }
  friend Bundle fma(const Bundle& a, const Bundle& b, const Bundle& c) {
    return each([&](int i) { return fma(a.v[i], b.v[i], c.v[i]); });
  }
  friend Bundle max(const Bundle& a, const Bundle& b) {
    return each([&](int i) { return max(a.v[i], b.v[i]); });
  }
  friend Bundle scale2(const Bundle& a, const Bundle& n) {
    return each([&](int i) { return scale2(a.v[i], n.v[i]); });
  }
};

}  // namespace
}  // namespace nibble::cpu
