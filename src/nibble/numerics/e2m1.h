// e2m1 (OCP FP4): 1 sign, 2 exponent, 1 fraction bit; bias 1. Codes 0..7 are 0, 0.5, 1, 1.5, 2, 3,
// 4, 6; bit 3 is the sign, so 8 is -0. There are no infinities and no NaN.
#pragma once
#include <cstdint>

#include "nibble/base/op.h"
#include "nibble/numerics/round.h"

namespace nibble {

struct e2m1 {
  uint8_t bits = 0;  // 0..15
};

// Two neighbours in a byte, as checkpoints and the tensor cores have them: element 2i in the low
// nibble, element 2i + 1 in the high one.
struct e2m1x2 {
  uint8_t bits = 0;
};
template <>
struct DTypeOf<e2m1x2> {
  static constexpr DType value = DType::u8;
};

NIBBLE_HD constexpr e2m1x2 pack(e2m1 low, e2m1 high) {
  return {uint8_t(low.bits | high.bits << 4)};
}
NIBBLE_HD constexpr e2m1 low(e2m1x2 x) { return {uint8_t(x.bits & 15)}; }
NIBBLE_HD constexpr e2m1 high(e2m1x2 x) { return {uint8_t(x.bits >> 4)}; }

// Exact. As float bits a magnitude code 2..7 is exponent and top fraction bit; 1 is 0.5.
NIBBLE_HD constexpr float to_float(e2m1 x) {
  const uint32_t sign = uint32_t(x.bits & 8u) << 28, magnitude = x.bits & 7u;
  if (magnitude < 2) return bit_cast<float>(sign | (magnitude ? 0x3f000000u : 0u));
  return bit_cast<float>(sign | (magnitude + (126 << 1)) << 22);
}

// To nearest, ties to even: |x| <= 0.25 is 0, < 0.75 is 0.5, <= 1.25 is 1, < 1.75 is 1.5, <= 2.5 is
// 2, < 3.5 is 3, <= 5 is 4, all else 6, infinities too. The sign is kept, also of zero. NaN has no
// common answer; here it is +6, as cvt.satfinite has it.
NIBBLE_HD constexpr e2m1 to_e2m1_saturating(float x) {
  if (is_nan(x)) return {7};
  const uint32_t sign = float_bits(x) >> 28 & 8u;
  const uint32_t code = round_magnitude<1, 1>(magnitude_bits(x));
  return {uint8_t(sign | (code < 7u ? code : 7u))};
}
NIBBLE_HD constexpr e2m1 to_e2m1_saturating(double x) {
  return to_e2m1_saturating(round_to_odd(x));
}

static_assert(to_float(e2m1{1}) == 0.5f && to_float(e2m1{2}) == 1 && to_float(e2m1{3}) == 1.5f);
static_assert(to_float(e2m1{5}) == 3 && to_float(e2m1{15}) == -6);
static_assert(to_e2m1_saturating(0.25f).bits == 0 && to_e2m1_saturating(0.75f).bits == 2);
static_assert(to_e2m1_saturating(-2.5f).bits == 12 && to_e2m1_saturating(5.0f).bits == 6);
static_assert(to_e2m1_saturating(-1e9f).bits == 15 && to_e2m1_saturating(-0.0f).bits == 8);
static_assert(low(pack({3}, {12})).bits == 3 && high(pack({3}, {12})).bits == 12);

}  // namespace nibble
