// Number formats of PTX narrower than float, both ways. Every value of every format here is exact
// in double, so a conversion is: decode to double, round once into the target.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace ptxrun {

enum class Round : uint8_t { nearest, zero, down, up, nearest_away };

// sign | exponent | mantissa, with or without infinities. `top` is the largest finite magnitude's
// bit pattern; `nan` the canonical NaN, 0 where the format has none.
struct Format {
  int exponent_bits, mantissa_bits, bias;
  uint32_t top, nan;
  bool infinities;
  constexpr int bits() const { return 1 + exponent_bits + mantissa_bits; }
  constexpr uint32_t sign() const { return 1u << (exponent_bits + mantissa_bits); }
};

inline constexpr Format kF16{5, 10, 15, 0x7bff, 0x7fff, true};
inline constexpr Format kBf16{8, 7, 127, 0x7f7f, 0x7fff, true};
inline constexpr Format kE5m2{5, 2, 15, 0x7b, 0x7f, true};
inline constexpr Format kE4m3{4, 3, 7, 0x7e, 0x7f, false};
inline constexpr Format kE2m1{2, 1, 1, 0x7, 0, false};
inline constexpr Format kE2m3{2, 3, 1, 0x1f, 0, false};
inline constexpr Format kE3m2{3, 2, 3, 0x1f, 0, false};

// 2^e as a normal double: e in [-1022, 1023].
inline double power_of_two(int e) { return std::bit_cast<double>(uint64_t(e + 1023) << 52); }

inline double decode(const Format& f, uint32_t bits) {
  const uint32_t magnitude = bits & (f.sign() - 1);
  const int exponent = int(magnitude >> f.mantissa_bits);
  const uint32_t fraction = magnitude & ((1u << f.mantissa_bits) - 1);
  double value;
  if (magnitude > f.top) {
    value = f.infinities && fraction == 0 ? std::numeric_limits<double>::infinity()
                                          : std::numeric_limits<double>::quiet_NaN();
  } else if (exponent == 0) {
    value = double(fraction) * power_of_two(1 - f.bias - f.mantissa_bits);
  } else {
    value = double(fraction | 1u << f.mantissa_bits) *
            power_of_two(exponent - f.bias - f.mantissa_bits);
  }
  return bits & f.sign() ? -value : value;
}

inline double round_to_integer(double x, Round mode) {
  switch (mode) {
    case Round::zero:
      return std::trunc(x);
    case Round::down:
      return std::floor(x);
    case Round::up:
      return std::ceil(x);
    case Round::nearest_away:
      return std::round(x);
    default:
      return std::nearbyint(x);  // the process runs in round-to-nearest-even
  }
}

// `saturate`: beyond the largest finite value comes that value, not infinity (.satfinite).
inline uint32_t encode(const Format& f, double value, Round mode = Round::nearest,
                       bool saturate = false) {
  const uint32_t sign = std::signbit(value) ? f.sign() : 0;
  if (std::isnan(value)) return f.nan ? f.nan : f.top;  // formats without NaN: the largest value
  const double magnitude = std::fabs(value);
  if (sign && (mode == Round::down || mode == Round::up))
    mode = mode == Round::down ? Round::up : Round::down;
  const uint32_t beyond =  // what an overflow becomes
      saturate || !(f.infinities || f.nan) ? f.top
      : f.infinities                       ? f.top + 1
                                           : f.nan;
  if (std::isinf(magnitude)) return sign | beyond;
  if (magnitude == 0) return sign;
  // a subnormal double reads as 2^-1023, which is below every format's least exponent
  const int exponent = std::max(int(std::bit_cast<uint64_t>(magnitude) >> 52) - 1023, 1 - f.bias);
  const double units = round_to_integer(magnitude * power_of_two(f.mantissa_bits - exponent), mode);
  // units in [0, 2^(mantissa+1)]; the carry into the next exponent is the carry of the bit pattern
  uint64_t pattern = uint64_t(exponent + f.bias - 1) << f.mantissa_bits;
  pattern += uint64_t(units);
  if (pattern > f.top) {
    const bool keeps_finite = mode == Round::zero || mode == Round::down;
    return sign | (keeps_finite ? f.top : beyond);
  }
  return sign | uint32_t(pattern);
}

// Without a branch: vectors of it are what a kernel of halves executes most.
inline float f16_value(uint16_t h) {
  const uint32_t sign = uint32_t(h & 0x8000u) << 16, magnitude = h & 0x7fffu;
  // exponents differ by 112: exact, subnormals included; 31 becomes 143, which is short of 255
  const float finite = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
  const uint32_t special = magnitude >= 0x7c00 ? 0x7f800000u : 0;
  return std::bit_cast<float>(sign | special | std::bit_cast<uint32_t>(finite));
}
inline float bf16_value(uint16_t h) { return std::bit_cast<float>(uint32_t(h) << 16); }
inline float ue8m0_value(uint8_t b) {
  return b == 255 ? std::numeric_limits<float>::quiet_NaN() : std::ldexp(1.f, int(b) - 127);
}
inline uint16_t to_f16(double v, Round mode = Round::nearest) {
  return uint16_t(encode(kF16, v, mode));
}
inline uint16_t to_bf16(double v, Round mode = Round::nearest) {
  return uint16_t(encode(kBf16, v, mode));
}

// a + b rounded to odd: the last bit is set whenever the double is inexact, so that rounding it
// once more, into a format of at most 51 bits, gives the correctly rounded sum.
inline double add_to_odd(double a, double b) {
  const double sum = a + b;
  if (!std::isfinite(sum)) return sum;
  const double virtual_b = sum - a;  // Knuth's two-sum: error is exact
  const double error = (a - (sum - virtual_b)) + (b - virtual_b);
  if (error == 0 || (std::bit_cast<uint64_t>(sum) & 1)) return sum;
  return std::nextafter(sum, error > 0 ? std::numeric_limits<double>::infinity()
                                       : -std::numeric_limits<double>::infinity());
}

}  // namespace ptxrun
