// Sixteen floats in plain C++: what portable variants compute with. cpu/math_avx2.h and
// cpu/math_avx512.h have a type of the same name and operations, so that an algorithm is written
// once as a template over it and gives the same bits everywhere.
//
// fma is the C library's, correctly rounded also where the processor has none: slow there, right.
#pragma once
#include <algorithm>

#include "nibble/numerics/elementary.h"
#include "nibble/numerics/fp16.h"

namespace nibble::numerics {

struct alignas(64) F32x16 {
  float v[16];
  struct Mask {
    bool m[16];
  };

  F32x16() = default;
  explicit F32x16(float x) { std::fill_n(v, 16, x); }
  static F32x16 load(const float* p) { return load(p, 16); }
  static F32x16 load(const float* p, int count) {  // zeros from `count` on; nothing is read there
    return make([&](int i) { return i < count ? p[i] : 0.0f; });
  }
  static F32x16 load_i32(const int32_t* p, int count) {
    return make([&](int i) { return i < count ? float(p[i]) : 0.0f; });
  }
  void store(float* p) const { store(p, 16); }
  void store(float* p, int count) const { std::copy_n(v, count, p); }

  friend F32x16 operator+(F32x16 a, F32x16 b) {
    return make([&](int i) { return a.v[i] + b.v[i]; });
  }
  friend F32x16 operator-(F32x16 a, F32x16 b) {
    return make([&](int i) { return a.v[i] - b.v[i]; });
  }
  friend F32x16 operator*(F32x16 a, F32x16 b) {
    return make([&](int i) { return a.v[i] * b.v[i]; });
  }
  friend F32x16 operator/(F32x16 a, F32x16 b) {
    return make([&](int i) { return a.v[i] / b.v[i]; });
  }
  friend F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
    return make([&](int i) { return math::fma(a.v[i], b.v[i], c.v[i]); });
  }
  friend F32x16 min(F32x16 a, F32x16 b) {
    return make([&](int i) { return math::min(a.v[i], b.v[i]); });
  }
  friend F32x16 max(F32x16 a, F32x16 b) {
    return make([&](int i) { return math::max(a.v[i], b.v[i]); });
  }
  friend F32x16 sqrt(F32x16 a) {
    return make([&](int i) { return math::sqrt(a.v[i]); });
  }
  friend F32x16 abs(F32x16 a) {
    return make([&](int i) { return math::abs(a.v[i]); });
  }
  friend F32x16 copysign(F32x16 a, F32x16 b) {
    return make([&](int i) { return math::copysign(a.v[i], b.v[i]); });
  }
  friend F32x16 pow2(F32x16 a) {
    return make([&](int i) { return math::pow2(a.v[i]); });
  }
  friend F32x16 scale2(F32x16 a, F32x16 n) {
    return make([&](int i) { return math::scale2(a.v[i], n.v[i]); });
  }
  friend F32x16 significand(F32x16 a, F32x16& e) {
    return make([&](int i) { return math::significand(a.v[i], e.v[i]); });
  }
  friend Mask less(F32x16 a, F32x16 b) {
    Mask r;
    for (int i = 0; i < 16; ++i) r.m[i] = a.v[i] < b.v[i];
    return r;
  }
  friend Mask is_nan(F32x16 a) {
    Mask r;
    for (int i = 0; i < 16; ++i) r.m[i] = math::is_nan(a.v[i]);
    return r;
  }
  friend F32x16 select(Mask mask, F32x16 yes, F32x16 no) {
    return make([&](int i) { return mask.m[i] ? yes.v[i] : no.v[i]; });
  }
  // Rounded to the nearest fp16 value, ties to even.
  friend F32x16 round_fp16(F32x16 a) {
    return make([&](int i) { return to_float(to_fp16(a.v[i])); });
  }
  // The fixed tree: 8 + 8, 4 + 4, 2 + 2, 1 + 1 (numerics/reduce.h).
  friend float sum(F32x16 a) {
    for (int half = 8; half; half /= 2)
      for (int i = 0; i < half; ++i) a.v[i] = a.v[i] + a.v[i + half];
    return a.v[0];
  }
  friend float max_lane(F32x16 a) {
    for (int half = 8; half; half /= 2)
      for (int i = 0; i < half; ++i) a.v[i] = math::max(a.v[i], a.v[i + half]);
    return a.v[0];
  }

 private:
  template <class Fn>
  static F32x16 make(Fn fn) {
    F32x16 r;
    for (int i = 0; i < 16; ++i) r.v[i] = fn(i);
    return r;
  }
};

}  // namespace nibble::numerics
