// Symmetric int8 rows and ternary tensors: codes times one float.
#pragma once
#include <cstdint>

#include "nibble/numerics/s8.h"
#include "nibble/numerics/ternary.h"

namespace nibble {

// int8: value = code * scale, scale = amax / 127 of the row (weights) or token (activations).
NIBBLE_HD constexpr float s8_scale(float amax) { return amax / 127; }
// x / scale to nearest even, clamped to +-127; 0 in a row that is all zero.
NIBBLE_HD constexpr int8_t s8_element(float scale, float x) {
  return scale == 0 ? int8_t(0) : to_s8(x / scale);
}

// Ternary: value = w * gamma, gamma the mean magnitude of the tensor, from the sum of all
// magnitudes in double. Encoding is to nearest of x / gamma, ties to even: 0 for |x| <= gamma / 2.
NIBBLE_HD constexpr float ternary_gamma(double sum, int64_t count) {
  return count > 0 ? float(sum / double(count)) : 0.0f;
}
// 0 if gamma or x is a NaN, or gamma is 0 or infinite.
NIBBLE_HD constexpr int ternary_element(float gamma, float x) {
  return gamma == 0 ? 0 : to_ternary(x / gamma);
}

static_assert(s8_element(s8_scale(127.0f), 63.5f) == 64 && s8_element(0, 0) == 0);
static_assert(ternary_element(2.0f, 1.0f) == 0 && ternary_element(2.0f, -1.01f) == -1);

}  // namespace nibble
