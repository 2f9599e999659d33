// q8(x): round to nearest, ties to even, and clamp to [-127, 127]; -128 is not a code.
#pragma once
#include <cstdint>

namespace nibble {

// Adding 1.5 * 2^23 leaves no fraction bits: the addition itself rounds, ties to even. The clamp
// comes first (it does not change the result) because the trick wants |x| < 2^22. x is not a NaN.
inline int8_t round_s8(float x) {
  constexpr float kShift = 12582912.0f;
  const float clamped = x < -127.0f ? -127.0f : x > 127.0f ? 127.0f : x;
  return int8_t((clamped + kShift) - kShift);
}

}  // namespace nibble
