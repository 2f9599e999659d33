// OCP 8-bit formats.
//   e4m3   finite only: S.1111.111 is NaN; largest 448, least normal 2^-6, least subnormal 2^-9
//   e5m2   IEEE-like: infinities and NaNs; largest 57344, least normal 2^-14, least subnormal 2^-16
//   ue8m0  2^(code - 127), without sign and zero; 0xff is NaN
//
// Overflow has no common answer (a cast saturates here and makes NaN there), so each conversion
// says in its name what it does.
#pragma once
#include <cstdint>

#include "nibble/base/op.h"
#include "nibble/numerics/round.h"

namespace nibble {

struct e4m3 {
  uint8_t bits = 0;
};
struct e5m2 {
  uint8_t bits = 0;
};
struct ue8m0 {
  uint8_t bits = 0;
};
template <>
struct DTypeOf<e4m3> {
  static constexpr DType value = DType::e4m3;
};
template <>
struct DTypeOf<e5m2> {
  static constexpr DType value = DType::e5m2;
};
template <>
struct DTypeOf<ue8m0> {
  static constexpr DType value = DType::ue8m0;
};

// Exact; NaN is quiet and keeps its sign.
NIBBLE_HD constexpr float to_float(e4m3 x) {
  const uint32_t sign = uint32_t(x.bits & 0x80u) << 24;
  const uint32_t exponent = x.bits >> 3 & 15u, fraction = x.bits & 7u;
  if ((x.bits & 0x7f) == 0x7f) return bit_cast<float>(sign | kFloatQuietNaN);
  if (exponent == 0) {
    const float magnitude = float(fraction) * 0x1p-9f;
    return sign ? -magnitude : magnitude;
  }
  return bit_cast<float>(sign | (exponent + 120) << 23 | fraction << 20);
}

// Exact; a NaN keeps its payload.
NIBBLE_HD constexpr float to_float(e5m2 x) {
  const uint32_t sign = uint32_t(x.bits & 0x80u) << 24;
  const uint32_t exponent = x.bits >> 2 & 31u, fraction = x.bits & 3u;
  if (exponent == 31) return bit_cast<float>(sign | kFloatInf | fraction << 21);
  if (exponent == 0) {
    const float magnitude = float(fraction) * 0x1p-16f;
    return sign ? -magnitude : magnitude;
  }
  return bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 21);
}

// Exact; code 0 is 2^-127, a subnormal float.
NIBBLE_HD constexpr float to_float(ue8m0 x) {
  if (x.bits == 0xff) return bit_cast<float>(kFloatQuietNaN);
  return bit_cast<float>(x.bits == 0 ? 0x00400000u : uint32_t(x.bits) << 23);
}

// To nearest, ties to even; subnormals and -0 are kept. Past +-448, infinities too: +-448. A NaN
// keeps its sign and becomes 0x7f or 0xff.
NIBBLE_HD constexpr e4m3 to_e4m3_saturating(float x) {
  const uint32_t sign = float_bits(x) >> 24 & 0x80u;
  if (is_nan(x)) return {uint8_t(sign | 0x7fu)};
  const uint32_t code = round_magnitude<7, 3>(magnitude_bits(x));
  return {uint8_t(sign | (code < 0x7eu ? code : 0x7eu))};
}
// The same, but NaN past +-464, the midpoint between 448 and what would be the next value.
NIBBLE_HD constexpr e4m3 to_e4m3_nan_on_overflow(float x) {
  const uint32_t sign = float_bits(x) >> 24 & 0x80u;
  if (is_nan(x)) return {uint8_t(sign | 0x7fu)};
  const uint32_t code = round_magnitude<7, 3>(magnitude_bits(x));
  return {uint8_t(sign | (code < 0x7fu ? code : 0x7fu))};
}

// To nearest, ties to even; subnormals and -0 are kept. Past +-57344, infinities too: +-57344. A
// NaN keeps its sign and becomes 0x7e or 0xfe.
NIBBLE_HD constexpr e5m2 to_e5m2_saturating(float x) {
  const uint32_t sign = float_bits(x) >> 24 & 0x80u;
  if (is_nan(x)) return {uint8_t(sign | 0x7eu)};
  const uint32_t code = round_magnitude<15, 2>(magnitude_bits(x));
  return {uint8_t(sign | (code < 0x7bu ? code : 0x7bu))};
}
// The same, but infinity from +-61440 on, as IEEE rounding has it.
NIBBLE_HD constexpr e5m2 to_e5m2_inf_on_overflow(float x) {
  const uint32_t sign = float_bits(x) >> 24 & 0x80u;
  if (is_nan(x)) return {uint8_t(sign | 0x7eu)};
  const uint32_t code = round_magnitude<15, 2>(magnitude_bits(x));
  return {uint8_t(sign | (code < 0x7cu ? code : 0x7cu))};
}

NIBBLE_HD constexpr e4m3 to_e4m3_saturating(double x) {
  return to_e4m3_saturating(round_to_odd(x));
}
NIBBLE_HD constexpr e4m3 to_e4m3_nan_on_overflow(double x) {
  return to_e4m3_nan_on_overflow(round_to_odd(x));
}
NIBBLE_HD constexpr e5m2 to_e5m2_saturating(double x) {
  return to_e5m2_saturating(round_to_odd(x));
}
NIBBLE_HD constexpr e5m2 to_e5m2_inf_on_overflow(double x) {
  return to_e5m2_inf_on_overflow(round_to_odd(x));
}

// The greatest power of two that is not above x, x >= 0. Below 2^-127, 0 too: 2^-127. Infinity:
// 2^127. NaN and negative numbers (not -0): NaN.
NIBBLE_HD constexpr ue8m0 to_ue8m0_down(float x) {
  const uint32_t u = float_bits(x);
  if (u > kFloatInf && u != 0x80000000u) return {0xff};
  const uint32_t exponent = u >> 23 & 0xffu;
  return {uint8_t(exponent < 254 ? exponent : 254u)};
}
// The least power of two that is not below x, x >= 0, as cvt.rp.satfinite.ue8m0x2 rounds: above
// 2^127, infinity too: 2^127. 0: 2^-127. NaN and negative numbers (not -0): NaN.
NIBBLE_HD constexpr ue8m0 to_ue8m0_up(float x) {
  const uint32_t u = float_bits(x);
  if (u > kFloatInf && u != 0x80000000u) return {0xff};
  // 2^-127 is the subnormal 0x00400000: what lies above it and below 2^-126 has exponent field 0.
  const uint32_t magnitude = u & 0x7fffffffu;
  const uint32_t above = magnitude < 0x800000u ? magnitude > 0x400000u : (u & 0x7fffffu) != 0;
  const uint32_t exponent = (magnitude >> 23) + above;
  return {uint8_t(exponent < 254 ? exponent : 254u)};
}

static_assert(to_float(e4m3{0x7e}) == 448 && to_float(e4m3{0x81}) == -0x1p-9f);
static_assert(to_float(e5m2{0x7b}) == 57344 && to_float(e5m2{0x01}) == 0x1p-16f);
static_assert(to_float(ue8m0{0}) == 0x1p-127f && to_float(ue8m0{254}) == 0x1p127f);
static_assert(to_e4m3_saturating(1e9f).bits == 0x7e &&
              to_e4m3_nan_on_overflow(464.0f).bits == 0x7e);
static_assert(to_e4m3_nan_on_overflow(-465.0f).bits == 0xff &&
              to_e4m3_saturating(-0.0f).bits == 0x80);
static_assert(to_e4m3_saturating(31.518f).bits == to_e4m3_saturating(32.0f).bits);  // a carry
static_assert(to_e5m2_inf_on_overflow(61439.0f).bits == 0x7b);
static_assert(to_e5m2_inf_on_overflow(61440.0f).bits == 0x7c);
static_assert(to_e5m2_saturating(-1e9f).bits == 0xfb);
static_assert(to_ue8m0_down(1.5f).bits == 127 && to_ue8m0_up(1.5f).bits == 128);
static_assert(to_ue8m0_up(0x1p-127f).bits == 0 && to_ue8m0_up(0x1.00001p-127f).bits == 1);

}  // namespace nibble
