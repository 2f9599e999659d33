// NVFP4 whose blocks choose between two scales ("four over six", arXiv 2512.02010): one that maps
// the block's greatest magnitude to 6, and one that maps it to 4, where e2m1 has finer steps below.
// The sequence of operations is TransformerEngine's; nvfp4.h says what a sequence is.
#pragma once
#include <cstdint>

#include "nibble/numerics/nvfp4.h"

namespace nibble {

struct FourOverSix {
  bool squared = false;        // the error that decides: sum of d^2, else of |d|
  float greatest_scale = 448;  // or 256, which leaves room for the half larger scales of map-4
  float amax = 0;              // greatest magnitude of the tensor, finite
};

struct FourOverSixBlock {
  e4m3 scale;
  e2m1 codes[kNvfp4Block];
  float error = 0;
};

// Value = element * scale * decode.
constexpr float four_over_six_decode(const FourOverSix& f) {
  return f.amax / (6 * f.greatest_scale);
}

namespace nvfp4_detail {
// One of the two candidates: `stretch` is 1 for map-6, 1.5 for map-4. Not for device code, where a
// compiler may contract the sum of squares.
constexpr FourOverSixBlock candidate(const FourOverSix& f, const float* x, float amax,
                                     float stretch) {
  const float ideal = least(6 * f.greatest_scale / f.amax, kMaxFloat);
  const float s = f.amax == 0 ? kMaxFloat : ideal == 0 ? 1 : ideal;
  FourOverSixBlock b{.scale = to_e4m3_saturating(clamped(amax / 6 * s * stretch, 0))};
  const float v = to_float(b.scale);
  const float factor = least(1 / (v * (1 / s)), kMaxFloat);
  for (int i = 0; i < kNvfp4Block; ++i) {
    b.codes[i] = x[i] == 0 ? e2m1{} : to_e2m1_saturating(x[i] * factor);
    const float d = to_float(b.codes[i]) * v * f.amax / (6 * f.greatest_scale) - x[i];
    b.error += f.squared ? d * d : d < 0 ? -d : d;
  }
  return b;
}
}  // namespace nvfp4_detail

// x: 16 finite elements. A tie keeps map-6, and so does an error that is not a number.
constexpr FourOverSixBlock four_over_six(const FourOverSix& f, const float* x) {
  float amax = 0;
  for (int i = 0; i < kNvfp4Block; ++i) {
    const float magnitude = x[i] < 0 ? -x[i] : x[i];
    amax = magnitude > amax ? magnitude : amax;
  }
  const FourOverSixBlock six = nvfp4_detail::candidate(f, x, amax, 1);
  const FourOverSixBlock four = nvfp4_detail::candidate(f, x, amax, 1.5f);
  return four.error < six.error ? four : six;
}

}  // namespace nibble
