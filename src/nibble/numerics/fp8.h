// OCP 8-bit formats: e4m3 (finite only: S.1111.111 is NaN, largest 448), e5m2 (IEEE-like, largest
// 57344) and ue8m0 (a power of two, 0xff is NaN).
#pragma once
#include <bit>
#include <cstdint>
#include <limits>

#include "nibble/base/op.h"

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

constexpr float to_float(e4m3 x) {
  const uint32_t exponent = x.bits >> 3 & 15u, fraction = x.bits & 7u;
  if ((x.bits & 0x7f) == 0x7f) return std::numeric_limits<float>::quiet_NaN();
  const float magnitude = exponent == 0
                              ? float(fraction) * 0x1p-9f
                              : std::bit_cast<float>((exponent + 120) << 23 | fraction << 20);
  return x.bits & 0x80 ? -magnitude : magnitude;
}

constexpr float to_float(e5m2 x) {
  const uint32_t sign = uint32_t(x.bits & 0x80u) << 24;
  const uint32_t exponent = x.bits >> 2 & 31u, fraction = x.bits & 3u;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | fraction << 21);
  if (exponent == 0) {
    const float magnitude = float(fraction) * 0x1p-16f;
    return sign ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 21);
}

constexpr float to_float(ue8m0 x) {
  if (x.bits == 0xff) return std::numeric_limits<float>::quiet_NaN();
  return x.bits == 0 ? 0x1p-127f : std::bit_cast<float>(uint32_t(x.bits) << 23);
}

}  // namespace nibble
