// Rounding to narrower binary formats, in integers only: the result depends neither on the rounding
// mode, nor on flush-to-zero, nor on contraction, and is the same on host and device.
#pragma once
#include <cstdint>

#include "nibble/base/hd.h"

namespace nibble {

inline constexpr uint32_t kFloatInf = 0x7f800000u;  // greater magnitudes are NaN
inline constexpr uint32_t kFloatQuietNaN = 0x7fc00000u;

NIBBLE_HD constexpr uint32_t float_bits(float x) { return bit_cast<uint32_t>(x); }
NIBBLE_HD constexpr uint32_t magnitude_bits(float x) { return float_bits(x) & 0x7fffffffu; }
NIBBLE_HD constexpr bool is_nan(float x) { return magnitude_bits(x) > kFloatInf; }

// v / 2^shift to nearest, ties to even. 1 <= shift <= 25, v < 2^31.
NIBBLE_HD constexpr uint32_t shift_right_rne(uint32_t v, int shift) {
  return (v + (1u << (shift - 1)) - 1 + (v >> shift & 1)) >> shift;
}

// The code (biased exponent, then kFraction bits) nearest to the magnitude whose float bits are
// `u`, ties to the even code, in a format of that bias with subnormals and without a largest
// exponent: what lies past the format's last finite code is for the caller to saturate. u is not a
// NaN.
template <int kBias, int kFraction>
NIBBLE_HD constexpr uint32_t round_magnitude(uint32_t u) {
  constexpr int shift = 23 - kFraction;
  constexpr uint32_t least_normal = uint32_t(128 - kBias) << 23;  // float bits of 2^(1 - bias)
  if (kBias == 127 || u >= least_normal)
    return shift_right_rne(u, shift) - (uint32_t(127 - kBias) << kFraction);
  // Subnormal: the 24-bit significand in units of 2^(1 - bias - kFraction). From a shift of 25 on
  // it is below half a unit; a subnormal float, which has no implicit bit, is far below.
  const int wide = shift + (128 - kBias) - int(u >> 23);
  return shift_right_rne((u & 0x7fffffu) | 0x800000u, wide < 25 ? wide : 25);
}

// The nearer float towards zero, with its last bit set if x lies off it ("round to odd"). Rounding
// that to a format of at most 22 bits of significand gives what rounding x at once gives; rounding
// float(x) would not. Infinities and NaNs stay what they are.
NIBBLE_HD constexpr float round_to_odd(double x) {
  const uint64_t b = bit_cast<uint64_t>(x);
  const uint32_t sign = uint32_t(b >> 32) & 0x80000000u;
  const int exponent = int(b >> 52 & 0x7ff) - 1023 + 127;  // biased as a float's
  const uint64_t fraction = b & 0xfffffffffffffull;
  uint32_t u = 0;
  if (exponent == 0x7ff - 1023 + 127) {
    u = fraction ? kFloatQuietNaN : kFloatInf;
  } else if (exponent >= 255) {
    u = kFloatInf - 1;  // the largest float, which is odd
  } else if (exponent >= 1) {
    u = uint32_t(exponent) << 23 | uint32_t(fraction >> 29) | ((fraction & 0x1fffffff) != 0);
  } else if (exponent >= -23) {
    const uint64_t significand = fraction | 1ull << 52;
    const int shift = 30 - exponent;  // to units of 2^-149
    u = uint32_t(significand >> shift) | ((significand & ((1ull << shift) - 1)) != 0);
  } else {
    u = (b << 1) != 0;
  }
  return bit_cast<float>(sign | u);
}

static_assert(round_to_odd(1.0) == 1.0f && round_to_odd(-0x1.000002p0) == -0x1.000002p0f);
static_assert(round_to_odd(1 + 0x1p-52) == 0x1.000002p0f && round_to_odd(1e39) == 0x1.fffffep127f);
static_assert(round_to_odd(1e-300) == 0x1p-149f && float_bits(round_to_odd(-0.0)) == 0x80000000u);

}  // namespace nibble
