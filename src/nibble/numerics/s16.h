// int16 codes -32639..32639: activations to a 65278th of their range. Symmetric, and the most that
// splits into 256 * high + low with both signed bytes, -128 left out of the high one: 32639 = 127 *
// 257. So a product of 16 bits can be made of two of 8.
#pragma once
#include <cstdint>

#include "nibble/numerics/round.h"

namespace nibble {

inline constexpr int kS16Max = 127 * 257;

// To nearest, ties to even, clamped; infinities too. NaN: 0. As to_s8() does it.
NIBBLE_HD constexpr int16_t to_s16(float x) {
  if (is_nan(x)) return 0;
  constexpr float kMost = float(kS16Max), kRound = 0x1.8p23f;
  const float clamped = x > kMost ? kMost : x < -kMost ? -kMost : x;
  return int16_t(int(clamped + kRound) - int(kRound));
}

// A row: value = code * scale, scale = amax / 32639.
NIBBLE_HD constexpr float s16_scale(float amax) { return amax / float(kS16Max); }
// x / scale to nearest even, clamped; 0 in a row that is all zero.
NIBBLE_HD constexpr int16_t s16_element(float scale, float x) {
  return scale == 0 ? int16_t(0) : to_s16(x / scale);
}

// The bytes of a code: 256 * s16_high(x) + s16_low(x) == x.
NIBBLE_HD constexpr int8_t s16_low(int x) { return int8_t(x); }
NIBBLE_HD constexpr int8_t s16_high(int x) { return int8_t((x + 128) >> 8); }

static_assert(to_s16(0.5f) == 0 && to_s16(1.5f) == 2 && to_s16(-32638.5f) == -32638);
static_assert(to_s16(1e9f) == 32639 && to_s16(-32768.0f) == -32639);
static_assert(s16_high(kS16Max) == 127 && s16_low(kS16Max) == 127);
static_assert(s16_high(-kS16Max) == -127 && s16_low(-kS16Max) == -127);
static_assert(s16_high(128) == 1 && s16_low(128) == -128 && s16_high(-129) == -1);

}  // namespace nibble
