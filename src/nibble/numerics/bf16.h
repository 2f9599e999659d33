// bfloat16: 1 sign, 8 exponent, 7 fraction bits; the upper half of a float. Largest finite value
// 0x1.fep127.
#pragma once
#include <cstdint>

#include "nibble/base/op.h"
#include "nibble/numerics/round.h"

namespace nibble {

struct bf16 {
  uint16_t bits = 0;
};
template <>
struct DTypeOf<bf16> {
  static constexpr DType value = DType::bf16;
};

// Exact; a NaN keeps its payload.
NIBBLE_HD constexpr float to_float(bf16 x) { return bit_cast<float>(uint32_t(x.bits) << 16); }

// To nearest, ties to even; subnormals are kept. From the midpoint above the largest value
// (0x1.ffp127) on: infinity. -0 stays -0. A NaN keeps its sign and becomes 0x7fc0 or 0xffc0.
NIBBLE_HD constexpr bf16 to_bf16(float x) {
  const uint32_t sign = float_bits(x) >> 16 & 0x8000u;
  if (is_nan(x)) return {uint16_t(sign | 0x7fc0u)};
  return {uint16_t(sign | round_magnitude<127, 7>(magnitude_bits(x)))};
}
NIBBLE_HD constexpr bf16 to_bf16(double x) { return to_bf16(round_to_odd(x)); }

static_assert(to_bf16(1.0f).bits == 0x3f80 && to_bf16(-0.0f).bits == 0x8000);
static_assert(to_bf16(0x1.01p0f).bits == 0x3f80 && to_bf16(0x1.03p0f).bits == 0x3f82);  // ties
static_assert(to_bf16(0x1.feffffp127).bits == 0x7f7f && to_bf16(0x1.ffp127f).bits == 0x7f80);
static_assert(to_bf16(0x1p-133f).bits == 1 && to_bf16(0x1p-134f).bits == 0);
static_assert(to_bf16(0x1.0100000001p0).bits == 0x3f81);  // by way of float: 0x3f80

}  // namespace nibble
