// NVFP4 by the modes of numerics/nvfp4.h but ggml, operation by operation: the scale of a block,
// what its elements are multiplied with or divided by, and their codes, several at a time.
#pragma once
#include "nibble/cuda/tile/quotient.cuh"
#include "nibble/cuda/tile/round_codes.cuh"
#include "nibble/numerics/nvfp4.h"

namespace nibble::cuda::tile {

constexpr bool is_torchao(Nvfp4 m) { return m == Nvfp4::torchao || m == Nvfp4::torchao_single; }
constexpr bool is_ct(Nvfp4 m) { return m == Nvfp4::ct_f32 || m == Nvfp4::ct_bf16; }
constexpr bool divides(Nvfp4 m) { return m == Nvfp4::modelopt || is_ct(m); }

// What blocks that share a greatest magnitude have in common.
struct Nvfp4Shared {
  float encode, decode;
  float back;  // 1 / encode, where the mode takes it
};
__device__ __forceinline__ Nvfp4Shared nvfp4_shared(Nvfp4 mode, float amax) {
  const Nvfp4Tensor t = nvfp4_tensor(mode, amax);
  return {t.encode, t.decode, is_torchao(mode) ? 1 / t.encode : t.decode};
}

struct Nvfp4Scale {
  uint32_t code;
  float factor;

  // Whether elements up to amax may be scaled as below and rounded by Round::e2m1s():
  // those of all blocks but ones of NaN, and of such small amax that their scale is 0 or
  // subnormal. inverse is 1 / factor where the mode divides.
  template <class Round>
  __device__ __forceinline__ bool is_usual(Nvfp4 mode, float inverse, float amax) const;
};

// Of a block whose greatest magnitude is amax, NaN if it has one. Elements of a block of zeros are
// zeros by any factor: it gets a usual one.
template <class Round>
__device__ __forceinline__ Nvfp4Scale nvfp4_scale_of(Nvfp4 mode, const Nvfp4Shared& t, float amax) {
  using namespace nvfp4_detail;
  float s = 0;
  if (mode == Nvfp4::te) s = amax * (t.encode * kSixth);
  if (mode == Nvfp4::vllm && amax != 0) s = t.encode * (amax * kSixth);
  if (mode == Nvfp4::modelopt && amax != 0) s = amax / (6 * t.encode);
  if (is_torchao(mode) && amax != 0) s = amax / 6 / t.encode;
  if (is_ct(mode)) {
    const float sixth = amax / 6;
    s = t.encode * (mode == Nvfp4::ct_bf16 ? to_float(to_bf16(sixth)) : sixth);
  }
  if (mode == Nvfp4::modelopt && s == 0) s = 1;
  s = clamped(s, mode == Nvfp4::modelopt ? 0x1p-9f : is_torchao(mode) ? 0x1p-6f : 0.0f);
  if (is_nan(s)) return {0x7f, s};
  uint32_t code = Round::pair(e4m3{}, s, 0.0f);
  if (is_ct(mode) && code == 0) code = 0x20;
  // The bits of e4m3 as those of a float with 120 less of exponent, subnormals too.
  const float v = __uint_as_float(code << 20) * 0x1p120f;
  if (amax == 0) return {code, 1};
  if (mode == Nvfp4::te) return {code, least(1 / (v * t.back), kMaxFloat)};
  if (mode == Nvfp4::vllm) return {code, v == 0 ? 0 : 1 / (v * t.back)};
  if (mode == Nvfp4::modelopt) return {code, v * t.encode};
  if (is_ct(mode)) return {code, v / t.encode};
  return {code, t.back / v};
}

template <class Round>
__device__ __forceinline__ bool Nvfp4Scale::is_usual(Nvfp4 mode, float inverse, float amax) const {
  return tile::is_usual(factor) && amax * (divides(mode) ? inverse : factor) <= Round::kMost;
}

// x as Round::e2m1s() takes it, of a usual block, for modes that multiply and for those that
// divide. The addition of +0 makes +0 of -0, but in torchao; a product that is rounded to zero
// keeps its sign.
template <class Round>
__device__ __forceinline__ float nvfp4_product(Nvfp4 mode, float factor, float x) {
  return fmaf(x, factor * Round::kLift, is_torchao(mode) ? -0.0f : 0.0f);
}
template <class Round>
__device__ __forceinline__ float nvfp4_quotient(float factor, float inverse, float x) {
  return quotient<false>(x, factor * (1 / Round::kLift), inverse * Round::kLift);
}

// An element of any block, before it is rounded; 0 is not for it but for nvfp4_zero().
__device__ __forceinline__ float nvfp4_scaled_by(Nvfp4 mode, float factor, float x) {
  return divides(mode) ? x / factor : x * factor;
}
__device__ __forceinline__ uint32_t nvfp4_code(Nvfp4 mode, float factor, float x) {
  if (x == 0) return nvfp4_zero(mode, x).bits;
  return to_e2m1_saturating(nvfp4_scaled_by(mode, factor, x)).bits;
}

}  // namespace nibble::cuda::tile
