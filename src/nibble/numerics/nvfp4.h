// NVFP4: 16 elements e2m1 along a row share an e4m3 scale without sign, and a tensor (or row) has a
// float: value = element * scale * decode.
//
// Libraries agree on the format and not on how to encode into it: the same formula in another order
// of roundings gives other scales for 0.04 to 0.15 % of blocks. A mode is one library's sequence of
// float operations, each rounded to nearest even, in the order written here. Named after the
// library whose bytes it makes:
//
//   te        TransformerEngine
//   vllm      vLLM, FlashInfer, TensorRT-LLM (with exact reciprocals)
//   modelopt  Model-Optimizer: its scales are never below 2^-9
//   torchao   torchao with a tensor scale: scales are never below 2^-6
//   torchao_single   torchao without one
//   ct_f32, ct_bf16  compressed-tensors, by the type of the tensor that is encoded
//   ggml      llama.cpp: no tensor scale, and its own rounding of scales and elements
//
// Those that choose between two scales for a block are in four_over_six.h; nvfp4_recipe.h encodes a
// block by any mode. Not-finite values follow from the sequence as IEEE arithmetic has it: a NaN
// makes the scale of its block 0x7f (NaN) and its codes 7, those of zeros 0; in ggml all are 0.
// So does an infinity, where the tensor scale that it makes is 0 or infinite: in vllm, modelopt,
// torchao, ct and the authors' four over six. Blocks of that tensor that are finite have the scale
// of zeros, 0x00, 0x38, 0x08, 0x20 and 0x00, and codes +-0, the authors' 0. In te, its four over
// six and torchao_single the tensor scale is 1 then, and blocks are what they are: of an infinity
// the scale is 448, its code +-7. In ggml that scale is 448, too, and codes are 0. Where a library
// divides 0 by 0 (a tensor that is all zero), here the scales are the mode's for a zero block and
// the codes 0.
#pragma once
#include <cstdint>

#include "nibble/numerics/bf16.h"
#include "nibble/numerics/e2m1.h"
#include "nibble/numerics/fp8.h"

namespace nibble {

inline constexpr int kNvfp4Block = 16;

enum class Nvfp4 : uint8_t { te, vllm, modelopt, torchao, torchao_single, ct_f32, ct_bf16, ggml };

// What a mode makes of the tensor's greatest magnitude: `encode` is its own tensor scale, about
// 2688 / amax in te, vllm and ct, about amax / 2688 in modelopt and torchao; 2688 is 6 * 448, the
// greatest element times the greatest scale.
struct Nvfp4Tensor {
  float encode = 1, decode = 1;
};

namespace nvfp4_detail {
inline constexpr float kGreatest = 2688;
inline constexpr float kMaxFloat = 0x1.fffffep127f;
inline constexpr float kSixth = 0x1.555556p-3f;  // 1/6 rounded
NIBBLE_HD constexpr float least(float a, float b) { return b < a ? b : a; }
// A NaN without sign: what 0 * infinity and infinity / infinity have differs from CPU to CPU.
NIBBLE_HD constexpr float clamped(float x, float low) {
  if (is_nan(x)) return bit_cast<float>(kFloatQuietNaN);
  return x < low ? low : least(x, 448.0f);
}

// A half goes up, on one bit: what lies below does not count. From 2^8 on, which has the last
// exponent, it is 448. What rounds to 8 or more steps of 2^-9 is 7 steps, not the least normal.
NIBBLE_HD constexpr e4m3 ggml_scale(float x) {
  if (!(x > 0)) return {};
  const uint32_t u = float_bits(least(x, 448.0f));
  if (u < float_bits(0x1p-6f)) {
    const int steps = int(bit_cast<float>(u) * 512.0f + 0.5f);
    return {uint8_t(steps < 7 ? steps : 7)};
  }
  const uint32_t code = (((u >> 19) + 1) >> 1) - (120u << 3);
  return {uint8_t(code < 0x78u ? code : 0x7eu)};
}
// The nearest, by differences in float; the smaller magnitude if two are as near, and 0 never has a
// sign. NaN and infinities: 0, which no other element is nearer to.
NIBBLE_HD constexpr e2m1 ggml_element(float scale, float x) {
  const float magnitude = x < 0 ? -x : x;
  uint8_t best = 0;
  float nearest = magnitude;
  for (uint8_t code = 1; code < 8; ++code) {
    const float d = to_float(e2m1{code}) * scale - magnitude, distance = d < 0 ? -d : d;
    if (distance < nearest) best = code, nearest = distance;
  }
  return {uint8_t(best != 0 && x < 0 ? best | 8 : best)};
}
}  // namespace nvfp4_detail

// amax >= 0, or NaN.
NIBBLE_HD constexpr Nvfp4Tensor nvfp4_tensor(Nvfp4 mode, float amax) {
  using namespace nvfp4_detail;
  const float g = amax / kGreatest;
  switch (mode) {
    case Nvfp4::te: {
      if (amax == 0) return {};
      const float s = least(kGreatest / amax, kMaxFloat);
      return s == 0 ? Nvfp4Tensor{} : Nvfp4Tensor{s, 1 / s};
    }
    case Nvfp4::vllm: {
      if (amax == 0) return {};
      const float s = kGreatest / amax;
      return {s, 1 / s};
    }
    case Nvfp4::modelopt:
    case Nvfp4::torchao:
      return {g, g};
    case Nvfp4::torchao_single:
    case Nvfp4::ggml:
      return {};
    case Nvfp4::ct_f32:
    case Nvfp4::ct_bf16: {
      float s = 1 / (amax < 0x1p-126f ? 0x1p-126f : amax);
      if (mode == Nvfp4::ct_bf16) s = to_float(to_bf16(s));
      s = s * kGreatest;
      if (mode == Nvfp4::ct_bf16) s = to_float(to_bf16(s));
      return s > kMaxFloat ? Nvfp4Tensor{} : Nvfp4Tensor{s, 1 / s};
    }
  }
  return {};
}

// The scale of a block whose greatest magnitude is amax.
NIBBLE_HD constexpr e4m3 nvfp4_scale(Nvfp4 mode, Nvfp4Tensor t, float amax) {
  using namespace nvfp4_detail;
  switch (mode) {
    case Nvfp4::te:
      return to_e4m3_saturating(clamped(amax * (t.encode * kSixth), 0));
    case Nvfp4::vllm:
      return to_e4m3_saturating(amax == 0 ? 0.0f : clamped(t.encode * (amax * kSixth), 0));
    case Nvfp4::modelopt: {
      const float s = amax == 0 ? 0 : amax / (6 * t.encode);
      return to_e4m3_saturating(s == 0 ? 1.0f : clamped(s, 0x1p-9f));
    }
    case Nvfp4::torchao:
    case Nvfp4::torchao_single:
      return to_e4m3_saturating(amax == 0 ? 0x1p-6f : clamped(amax / 6 / t.encode, 0x1p-6f));
    case Nvfp4::ct_f32:
    case Nvfp4::ct_bf16: {
      const float sixth = amax / 6;
      const float s = t.encode * (mode == Nvfp4::ct_bf16 ? to_float(to_bf16(sixth)) : sixth);
      const e4m3 scale = to_e4m3_saturating(clamped(s, 0));
      return scale.bits == 0 ? to_e4m3_saturating(0.125f) : scale;
    }
    case Nvfp4::ggml:
      return ggml_scale(amax / 6);
  }
  return {};
}

// What is rounded to an element: x in units of the scale. Not for ggml, which has its own rounding.
NIBBLE_HD constexpr float nvfp4_scaled(Nvfp4 mode, Nvfp4Tensor t, e4m3 scale, float x) {
  using namespace nvfp4_detail;
  const float v = to_float(scale);
  switch (mode) {
    case Nvfp4::te:
      return x * least(1 / (v * (1 / t.encode)), kMaxFloat);
    case Nvfp4::vllm:
      return x * (v == 0 ? 0 : 1 / (v * (1 / t.encode)));
    case Nvfp4::modelopt:
      return x / (v * t.encode);
    case Nvfp4::torchao:
    case Nvfp4::torchao_single:
      return x * (1 / t.encode / v);
    case Nvfp4::ct_f32:
    case Nvfp4::ct_bf16:
      return x / (v / t.encode);
    case Nvfp4::ggml:
      break;
  }
  return 0;
}

NIBBLE_HD constexpr e2m1 nvfp4_zero(Nvfp4 mode, float zero) {
  const bool torchao = mode == Nvfp4::torchao || mode == Nvfp4::torchao_single;
  return {uint8_t(torchao && float_bits(zero) != 0 ? 8 : 0)};
}

// -0 becomes 0, in torchao -0. Where a block is not zero and its scale is, te has +-6 and vllm +-0.
NIBBLE_HD constexpr e2m1 nvfp4_element(Nvfp4 mode, Nvfp4Tensor t, e4m3 scale, float x) {
  if (x == 0) return nvfp4_zero(mode, x);
  if (mode == Nvfp4::ggml) return nvfp4_detail::ggml_element(to_float(scale), x);
  return to_e2m1_saturating(nvfp4_scaled(mode, t, scale, x));
}

NIBBLE_HD constexpr float nvfp4_value(Nvfp4Tensor t, e4m3 scale, e2m1 element) {
  return to_float(element) * to_float(scale) * t.decode;
}

// Values that an algebraically equal sequence gets wrong.
static_assert(nvfp4_scale(Nvfp4::te, nvfp4_tensor(Nvfp4::te, 0.123046875f), 0.00576782227f).bits ==
              0x5b);
static_assert(nvfp4_scale(Nvfp4::torchao, nvfp4_tensor(Nvfp4::torchao, 1.78125f), 0.00130462646f)
                  .bits == 0x2a);
static_assert(nvfp4_element(Nvfp4::torchao_single, {}, {0x2f}, 1.171875f).bits == 5);
static_assert(float_bits(nvfp4_tensor(Nvfp4::ct_f32, bit_cast<float>(0x41f8df55u)).encode) ==
              0x42accfbb);
static_assert(nvfp4_tensor(Nvfp4::ct_bf16, 3.171875f).encode == 844);
static_assert(nvfp4_scale(Nvfp4::ggml, {}, 0.0908203125f).bits == 7);
static_assert(nvfp4_scale(Nvfp4::ggml, {}, 6 * 240).bits == 0x77 &&
              nvfp4_scale(Nvfp4::ggml, {}, 6 * 248).bits == 0x7e);
static_assert(nvfp4_element(Nvfp4::ggml, {}, {0x38}, -0.25f).bits == 0 &&
              nvfp4_element(Nvfp4::ggml, {}, {0x38}, -0.75f).bits == 9);

}  // namespace nibble
