// IEEE binary16: 1 sign, 5 exponent, 10 fraction bits. Largest 65504, least normal 2^-14, least
// subnormal 2^-24.
#pragma once
#include <cstdint>

#include "nibble/base/op.h"
#include "nibble/numerics/round.h"

namespace nibble {

struct fp16 {
  uint16_t bits = 0;
};
template <>
struct DTypeOf<fp16> {
  static constexpr DType value = DType::fp16;
};

// Exact; a NaN keeps its payload.
NIBBLE_HD constexpr float to_float(fp16 x) {
  const uint32_t sign = uint32_t(x.bits & 0x8000u) << 16;
  const uint32_t exponent = x.bits >> 10 & 31u, fraction = x.bits & 0x3ffu;
  if (exponent == 31) return bit_cast<float>(sign | kFloatInf | fraction << 13);
  if (exponent == 0) {
    const float magnitude = float(fraction) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  return bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
}

// To nearest, ties to even; subnormals are kept, at most 2^-25 becomes 0. From 65520 on: infinity.
// -0 stays -0. A NaN keeps its sign and becomes 0x7e00 or 0xfe00.
NIBBLE_HD constexpr fp16 to_fp16(float x) {
  const uint32_t sign = float_bits(x) >> 16 & 0x8000u;
  if (is_nan(x)) return {uint16_t(sign | 0x7e00u)};
  const uint32_t code = round_magnitude<15, 10>(magnitude_bits(x));
  return {uint16_t(sign | (code < 0x7c00u ? code : 0x7c00u))};
}
NIBBLE_HD constexpr fp16 to_fp16(double x) { return to_fp16(round_to_odd(x)); }

static_assert(to_float(fp16{0x7bff}) == 65504 && to_float(fp16{1}) == 0x1p-24f);
static_assert(to_fp16(65519.99f).bits == 0x7bff && to_fp16(65520.0f).bits == 0x7c00);
static_assert(to_fp16(0x1p-25f).bits == 0 && to_fp16(0x1.000002p-25f).bits == 1);
static_assert(to_fp16(0x1.ff8p-15f).bits == 0x3ff && to_fp16(0x1.ffcp-15f).bits == 0x400);
static_assert(to_fp16(2049.0f).bits == 0x6800 && to_fp16(2051.0f).bits == 0x6802);  // ties

}  // namespace nibble
