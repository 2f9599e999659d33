// IEEE binary16: 1 sign, 5 exponent, 10 fraction bits.
#pragma once
#include <bit>
#include <cstdint>

#include "nibble/base/op.h"

namespace nibble {

struct fp16 {
  uint16_t bits = 0;
};
template <>
struct DTypeOf<fp16> {
  static constexpr DType value = DType::fp16;
};

constexpr float to_float(fp16 x) {
  const uint32_t sign = uint32_t(x.bits & 0x8000u) << 16;
  const uint32_t exponent = x.bits >> 10 & 31u, fraction = x.bits & 0x3ffu;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);
  if (exponent == 0) {
    const float magnitude = float(fraction) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
}

}  // namespace nibble
