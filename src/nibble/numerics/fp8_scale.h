// Scales of e4m3 tensors: value = element * scale, one scale for a tensor, a row, or a block.
//
//   f32    amax / 448; of a block that is all zero 2^-23, the epsilon of the type
//   bf16   amax / 448 rounded to bf16, as compressed-tensors has it for bf16 tensors; of zeros 2^-7
//   ue8m0  the least power of two not below max(amax, 1e-4) / 448, as DeepSeek's kernels have it
//
// Where the scale underflows to 0 it is that of zeros, too. The element is x / scale to nearest,
// ties to even, saturated at +-448; -0 stays -0. An infinite amax makes the scale infinite (ue8m0:
// 2^127), finite elements 0 and infinite ones NaN (ue8m0: +-448); a NaN makes the scale NaN and so
// every element.
#pragma once
#include "nibble/numerics/bf16.h"
#include "nibble/numerics/fp8.h"

namespace nibble {

enum class Fp8Scale : uint8_t { f32, bf16, ue8m0 };

NIBBLE_HD constexpr ue8m0 fp8_scale_ue8m0(float amax) {
  return to_ue8m0_up((amax < 1e-4f ? 1e-4f : amax) / 448);
}
// Of all types as a float.
NIBBLE_HD constexpr float fp8_scale(Fp8Scale type, float amax) {
  if (is_nan(amax)) return bit_cast<float>(kFloatQuietNaN);
  if (type == Fp8Scale::ue8m0) return to_float(fp8_scale_ue8m0(amax));
  const float exact = amax / 448;
  const float scale = type == Fp8Scale::bf16 ? to_float(to_bf16(exact)) : exact;
  return scale != 0 ? scale : type == Fp8Scale::bf16 ? 0x1p-7f : 0x1p-23f;
}

// NaN elements are 0x7f, without their sign.
NIBBLE_HD constexpr e4m3 fp8_element(float scale, float x) {
  const float y = x / scale;
  return is_nan(y) ? e4m3{0x7f} : to_e4m3_saturating(y);
}

static_assert(fp8_scale(Fp8Scale::f32, 448) == 1 && fp8_scale(Fp8Scale::f32, 0) == 0x1p-23f);
static_assert(fp8_scale(Fp8Scale::ue8m0, 449) == 2 && fp8_scale(Fp8Scale::ue8m0, 0) == 0x1p-22f);
static_assert(fp8_element(2, -0.0f).bits == 0x80 && fp8_element(2, 1e9f).bits == 0x7e);

}  // namespace nibble
