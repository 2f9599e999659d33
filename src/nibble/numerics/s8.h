// int8 codes -127..127: symmetric, and never -128, so that sign tricks and pair sums stay in range.
#pragma once
#include <cstdint>

#include "nibble/numerics/round.h"

namespace nibble {

// To nearest, ties to even, clamped to +-127; infinities too. NaN: 0.
//
// Adding 1.5 * 2^23 leaves no fraction bits, so the sum is rounded as IEEE rounds; |x| <= 127 by
// then, and the clamp keeps a product that x may be from being contracted into the sum.
NIBBLE_HD constexpr int8_t to_s8(float x) {
  if (is_nan(x)) return 0;
  const float clamped = x > 127.0f ? 127.0f : x < -127.0f ? -127.0f : x;
  constexpr float kRound = 0x1.8p23f;
  return int8_t(int(clamped + kRound) - int(kRound));
}

static_assert(to_s8(0.5f) == 0 && to_s8(1.5f) == 2 && to_s8(-2.5f) == -2 && to_s8(126.5f) == 126);
static_assert(to_s8(1e9f) == 127 && to_s8(-128.0f) == -127 && to_s8(-0.50001f) == -1);

}  // namespace nibble
