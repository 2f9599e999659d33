// NVFP4 whose blocks choose between two scales ("four over six", arXiv 2512.02010): one that maps
// the block's greatest magnitude to 6, and one that maps it to 4, where e2m1 has finer steps below.
// nvfp4.h says what a sequence of operations is; there are two:
//
//   transformer_engine   saturates elements; errors are summed in order of the elements
//   authors              saturates none: what would round to 8 becomes code 8, which is -0. Errors
//                        are summed as torch.sum does, x[j] + x[j + 8] first, then in order of j.
//                        A block whose scale is 0 has codes 0.
//
// A NaN in a block makes its scale 0x7f and its codes 7, those of zeros 0.
#pragma once
#include <cstdint>

#include "nibble/numerics/floats.h"
#include "nibble/numerics/nvfp4.h"

namespace nibble {

// Which error decides; map6 decides for 6 always.
enum class FourOverSixError : uint8_t { mae, mse, abs_max, map6 };
enum class FourOverSixSequence : uint8_t { transformer_engine, authors };

struct FourOverSix {
  FourOverSixSequence sequence = FourOverSixSequence::transformer_engine;
  FourOverSixError error = FourOverSixError::mae;
  float greatest_scale = 448;  // or 256, which leaves room for the half larger scales of map-4
  float amax = 0;              // greatest magnitude of the tensor
};

struct FourOverSixBlock {
  e4m3 scale;
  e2m1 codes[kNvfp4Block];
  float error = 0;
};

// Value = element * scale * decode.
NIBBLE_HD constexpr float four_over_six_decode(const FourOverSix& f) {
  return f.amax / (6 * f.greatest_scale);
}

namespace nvfp4_detail {
// The tensor scale of the encoder.
NIBBLE_HD constexpr float four_over_six_encode(const FourOverSix& f) {
  const float ideal = 6 * f.greatest_scale / f.amax;
  if (f.sequence == FourOverSixSequence::authors) return f.amax == 0 ? 0 : ideal;
  const float s = least(ideal, kMaxFloat);
  return s == 0 ? 1 : s;
}

// To nearest even in steps of 0.5, 1 and 2, and 8 as code 8. No more is possible where amax is the
// tensor's: scales are rounded to e4m3, at worst 1.5 steps to 1, and 9 is a tie that goes to 8.
NIBBLE_HD constexpr uint32_t unsaturated_e2m1(float y) {
  const uint32_t code = is_nan(y) ? 7u : round_magnitude<1, 1>(magnitude_bits(y));
  return code < 8u ? code : 8u;
}

// One of the two candidates: `stretch` is 1 for map-6, 1.5 for map-4. Not for device code, where a
// compiler may contract the sum of squares.
constexpr FourOverSixBlock candidate(const FourOverSix& f, const float* x, float amax,
                                     float stretch) {
  const bool authors = f.sequence == FourOverSixSequence::authors;
  const float s = four_over_six_encode(f);
  FourOverSixBlock b{.scale = to_e4m3_saturating(clamped(amax / 6 * s * stretch, 0))};
  const float v = to_float(b.scale);
  const float factor = authors ? 1 / (1 / s * v) : least(1 / (v * (1 / s)), kMaxFloat);
  float distance[kNvfp4Block] = {};
  for (int i = 0; i < kNvfp4Block; ++i) {
    const float y = x[i] * factor;
    float value = 0;
    if (authors) {
      const bool zero = x[i] == 0 || v == 0;
      const uint32_t code = zero ? 0 : unsaturated_e2m1(y);
      const uint32_t sign = zero || is_nan(y) ? 0 : float_bits(y) >> 28 & 8u;
      b.codes[i] = {uint8_t(code | sign)};
      value = code < 8 ? to_float(e2m1{uint8_t(code)}) : 8.0f;
      value = sign != 0 ? -value : value;
    } else {
      b.codes[i] = x[i] == 0 ? e2m1{} : to_e2m1_saturating(y);
      value = to_float(b.codes[i]);
    }
    const float d = value * v * f.amax / (6 * f.greatest_scale) - x[i];
    distance[i] = f.error == FourOverSixError::mse ? d * d : d < 0 ? -d : d;
  }
  if (f.error == FourOverSixError::abs_max) {
    b.error = amax_of(distance, kNvfp4Block);
  } else {
    for (int i = 0; i < kNvfp4Block / 2; ++i)
      if (authors) distance[i] = distance[i] + distance[i + kNvfp4Block / 2];
    for (int i = 0; i < (authors ? kNvfp4Block / 2 : kNvfp4Block); ++i) b.error += distance[i];
  }
  return b;
}
}  // namespace nvfp4_detail

// x: 16 elements. A tie keeps map-6, and so does an error that is not a number.
constexpr FourOverSixBlock four_over_six(const FourOverSix& f, const float* x) {
  const float amax = amax_of(x, kNvfp4Block);
  const FourOverSixBlock six = nvfp4_detail::candidate(f, x, amax, 1);
  if (f.error == FourOverSixError::map6) return six;
  const FourOverSixBlock four = nvfp4_detail::candidate(f, x, amax, 1.5f);
  return four.error < six.error ? four : six;
}

}  // namespace nibble
