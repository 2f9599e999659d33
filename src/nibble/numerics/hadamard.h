// The 16-point Hadamard transform with signs, which spreads outliers over their block before it is
// quantised: y = (1/4) H diag(s) x, H in Sylvester order, H[i][j] = (-1)^popcount(i & j). H / 4 is
// its own inverse: x = diag(s) (1/4) H y.
//
// Sums are four stages of butterflies in float, partners 1, 2, 4 and 8 apart in this order: the
// same bits everywhere.
#pragma once
#include <cstdint>

#include "nibble/base/hd.h"

namespace nibble {

inline constexpr int kHadamard = 16;
// The signs of TransformerEngine, as bits: set where an element is negated.
// 1 1 1 -1 1 -1 -1 -1 -1 -1 -1 1 -1 1 -1 -1
inline constexpr uint16_t kHadamardSigns = 0xd7e8;

NIBBLE_HD constexpr void hadamard_transform(uint16_t signs, bool inverse, float* x) {
  for (int i = 0; i < kHadamard; ++i)
    if (!inverse && (signs >> i & 1) != 0) x[i] = -x[i];
  for (int apart = 1; apart < kHadamard; apart *= 2)
    for (int i = 0; i < kHadamard; ++i) {
      if ((i & apart) != 0) continue;
      const float a = x[i], b = x[i + apart];
      x[i] = a + b, x[i + apart] = a - b;
    }
  for (int i = 0; i < kHadamard; ++i) {
    x[i] = x[i] * 0.25f;
    if (inverse && (signs >> i & 1) != 0) x[i] = -x[i];
  }
}

}  // namespace nibble
