// Ternary weights -1, 0, +1 as two-bit codes 0, 1, 2: code = w + 1. Code 3 is never written.
#pragma once
#include <cstdint>

#include "nibble/base/op.h"
#include "nibble/numerics/round.h"

namespace nibble {

// Four neighbours in a byte: element 4i + j in bits 2j and 2j + 1.
struct ternary_x4 {
  uint8_t bits = 0x55;  // four zeros
};
template <>
struct DTypeOf<ternary_x4> {
  static constexpr DType value = DType::u8;
};

NIBBLE_HD constexpr ternary_x4 pack_ternary(int w0, int w1, int w2, int w3) {
  return {uint8_t((w0 + 1) | (w1 + 1) << 2 | (w2 + 1) << 4 | (w3 + 1) << 6)};
}
NIBBLE_HD constexpr int ternary_at(ternary_x4 x, int j) { return (x.bits >> 2 * j & 3) - 1; }
// False if an element has the code 3.
NIBBLE_HD constexpr bool is_ternary(ternary_x4 x) { return (x.bits & x.bits >> 1 & 0x55) == 0; }

// To nearest, ties to even, clamped to +-1: 0 for |x| <= 0.5. NaN: 0.
NIBBLE_HD constexpr int to_ternary(float x) { return x > 0.5f ? 1 : x < -0.5f ? -1 : 0; }

static_assert(pack_ternary(-1, 0, 1, 0).bits == 0b01'10'01'00 && is_ternary({0x55}));
static_assert(ternary_at(pack_ternary(-1, 0, 1, -1), 0) == -1 && !is_ternary({0x5d}));
static_assert(to_ternary(0.5f) == 0 && to_ternary(-0.51f) == -1 && to_ternary(9.0f) == 1);

}  // namespace nibble
