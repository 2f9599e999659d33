// exp, expm1, log, sigmoid and tanh in float, with the same bits on every ISA.
//
// Each function is written once, over a type V that holds one float or many: `float` itself
// (below), F32x16 of numerics/lanes.h (portable), of cpu/math_avx2.h or of cpu/math_avx512.h. Only
// IEEE operations with one result are used: + - * / sqrt, fma where it is written, comparisons,
// moves of bits; nothing is contracted (-ffp-contract=off), nothing is flushed to zero. A NaN gives
// a NaN with the same payload. Largest errors in units in the last place of the exact result, over
// all floats of the range (log: one in 61 outside 1/8..8); elementary_exhaustive_test holds them:
//
//   exp      all x       1.09 ulp; 0.75 where the result is subnormal; 0 and inf beyond
//   expm1    all x       1.66 ulp; x itself for |x| < 2^-25
//   log      x > 0       0.83 ulp, subnormal x too; log(0) = -inf, log(x < 0) = NaN
//   sigmoid  x >= -87    2.41 ulp, relative also for large negative x
//   tanh     all x       2.50 ulp, odd, x itself for |x| < 2^-26
//
// Files compiled for an ISA use the vector forms: std::fma of one float is a call where the
// compiler may not assume an fma instruction.
#pragma once
#include <cmath>
#include <cstdint>

#include "nibble/base/hd.h"

namespace nibble::math {

// 1.5 * 2^23: kMagic + x rounds x to an integer n (|n| < 2^22) and holds it in its low bits.
inline constexpr float kMagic = 0x1.8p23f;

// Primitives for V = float. Every other V brings the same as friends.
NIBBLE_HD inline float fma(float a, float b, float c) { return std::fma(a, b, c); }
NIBBLE_HD inline float min(float a, float b) { return a < b ? a : b; }  // b if one is NaN, as minps
NIBBLE_HD inline float max(float a, float b) { return a > b ? a : b; }
NIBBLE_HD inline float sqrt(float a) { return std::sqrt(a); }
NIBBLE_HD inline float abs(float a) { return bit_cast<float>(bit_cast<uint32_t>(a) & 0x7fffffffu); }
NIBBLE_HD inline float copysign(float magnitude, float sign) {
  return bit_cast<float>((bit_cast<uint32_t>(magnitude) & 0x7fffffffu) |
                         (bit_cast<uint32_t>(sign) & 0x80000000u));
}
NIBBLE_HD inline bool less(float a, float b) { return a < b; }
NIBBLE_HD inline bool is_nan(float a) { return a != a; }
NIBBLE_HD inline float select(bool mask, float yes, float no) { return mask ? yes : no; }
// 2^n for t = kMagic + n, n in -126..127: the low nine bits of t are n.
NIBBLE_HD inline float pow2(float t) {
  return bit_cast<float>((bit_cast<uint32_t>(t) << 23) + 0x3f800000u);
}
// a * 2^n with one rounding, for a in [0.5, 2) and an integer n in -252..252.
NIBBLE_HD inline float scale2(float a, float n) {
  const float t = fma(n, 0.5f, kMagic), half = t - kMagic;
  return a * pow2(t) * pow2(n - half + kMagic);
}
// x = m * 2^e with m in [sqrt(1/2), sqrt(2)), for normal x > 0.
NIBBLE_HD inline float significand(float x, float& e) {
  const int32_t bits = bit_cast<int32_t>(x);
  const int32_t i = int32_t(uint32_t(bits) - 0x3f3504f3u) >> 23;
  e = float(i);
  return bit_cast<float>(uint32_t(bits) - (uint32_t(i) << 23));
}

// exp(x) = 2^n exp(r), r = x - n ln 2 in two steps; here r and exp(r) - 1, |r| <= 0.3466.
// exp(r) - 1 = r + r^2 q(r): q interpolates at Chebyshev nodes, error 6e-9 after the factor r^2.
template <class V>
NIBBLE_HD inline V reduced_expm1(V x, V n) {
  V r = fma(n, V(-0x1.62e430p-1f), x);
  r = fma(n, V(0x1.05c610p-29f), r);
  V q = fma(r, V(0x1.6d112cp-10f), V(0x1.120b90p-7f));
  q = fma(q, r, V(0x1.55551ap-5f));
  q = fma(q, r, V(0x1.5554dcp-3f));
  q = fma(q, r, V(0.5f));
  return fma(q * r, r, r);
}

template <class V>
NIBBLE_HD inline V exp(V x) {
  // Clamped where the result is 0 or inf already: ln(2^-150) = -103.97, ln(2^128) = 88.72.
  const V c = max(V(-105.0f), min(V(90.0f), x));
  const V n = fma(c, V(0x1.715476p+0f), V(kMagic)) - V(kMagic);
  return select(is_nan(x), x + x, scale2(V(1.0f) + reduced_expm1(c, n), n));
}

template <class V>
NIBBLE_HD inline V expm1(V x) {
  const V c = max(V(-20.0f), min(V(90.0f), x));  // exp(-20) is below half a step of 1
  const V t = fma(c, V(0x1.715476p+0f), V(kMagic));
  // 2^n e + 2^n - 1, halved so that 2^128 is never formed.
  const V s = pow2(t - V(1.0f));
  const V half = fma(s, reduced_expm1(c, t - V(kMagic)), s - V(0.5f));
  const V y = select(less(abs(x), V(0x1p-25f)), x, half + half);
  return select(is_nan(x), x + x, y);
}

// log(x) = e ln 2 + log1p(f), log1p(f) = f - f^2/2 + f^3 p(f), f in [-0.293, 0.414].
template <class V>
NIBBLE_HD inline V log(V x) {
  const auto tiny = less(x, V(0x1p-126f));
  V e;
  const V f = significand(select(tiny, x * V(0x1p23f), x), e) - V(1.0f);
  e = select(tiny, e - V(23.0f), e);
  V p = fma(f, V(0x1.1d8ea6p-4f), V(-0x1.d635bcp-4f));
  p = fma(p, f, V(0x1.dea282p-4f));
  p = fma(p, f, V(-0x1.fcf4c6p-4f));
  p = fma(p, f, V(0x1.23d21ap-3f));
  p = fma(p, f, V(-0x1.555b4ap-3f));
  p = fma(p, f, V(0x1.999d5ap-3f));
  p = fma(p, f, V(-0x1.fffffcp-3f));
  p = fma(p, f, V(0x1.555554p-2f));
  const V ff = f * f;
  V low = fma(e, V(-0x1.05c610p-29f), p * (ff * f));
  low = fma(ff, V(-0.5f), low);
  V y = fma(e, V(0x1.62e430p-1f), f + low);
  y = select(less(x, V(0x1p-149f)), V(-INFINITY), y);
  y = select(less(x, V(0.0f)), V(NAN), y);
  return select(less(x, V(INFINITY)), y, x + x);  // inf and NaN
}

template <class V>
NIBBLE_HD inline V sigmoid(V x) {
  const V e = exp(V(0.0f) - abs(x));
  const V y = select(less(x, V(0.0f)), e, V(1.0f)) / (V(1.0f) + e);
  return select(is_nan(x), x + x, y);
}

// tanh |x| = -t / (2 + t) with t = exp(-2|x|) - 1 in (-1, 0]
template <class V>
NIBBLE_HD inline V tanh(V x) {
  const V t = expm1(abs(x) * V(-2.0f));
  const V y = copysign(t / (V(2.0f) + t), x);
  return select(is_nan(x), x + x, y);
}

}  // namespace nibble::math
