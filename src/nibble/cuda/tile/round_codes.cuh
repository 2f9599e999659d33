// Floats to codes, several at a time, the first one lowest: in integers, on every architecture, or
// by the conversions that later ones have. Both make the same codes.
#pragma once
#include "nibble/cuda/ptx/bits.cuh"
#include "nibble/cuda/ptx/narrow.cuh"
#include "nibble/numerics/e2m1.h"
#include "nibble/numerics/fp8.h"

namespace nibble::cuda::tile {

// numerics/round.h's round_magnitude() for all floats but NaN, in ten instructions: what is
// subnormal in the format is rounded by adding the float whose last bit is worth the format's least
// step. A NaN becomes a code past every format's last.
template <int kBias, int kFraction>
__device__ __forceinline__ uint32_t magnitude_code(float x) {
  constexpr int kShift = 23 - kFraction;
  constexpr uint32_t kLeastNormal = uint32_t(128 - kBias) << 23;
  constexpr uint32_t kStep = uint32_t(127 + 24 - kBias - kFraction) << 23;
  const uint32_t u = magnitude_bits(x);
  const uint32_t normal = ((u + (1u << (kShift - 1)) - 1 + (u >> kShift & 1)) >> kShift) -
                          (uint32_t(127 - kBias) << kFraction);
  const uint32_t subnormal = __float_as_uint(fabsf(x) + __uint_as_float(kStep)) - kStep;
  return u < kLeastNormal ? subnormal : normal;
}

// Byte k of the result is byte kByte of word 2k, or copies of its sign.
template <int kByte, bool kSign = false>
__device__ __forceinline__ uint32_t bytes_of_every_other(const uint32_t* words) {
  constexpr uint32_t kFirst = kByte | (kSign ? 8 : 0), kSecond = kFirst + 4;
  const uint32_t low = ptx::permute<kFirst | kSecond << 4>(words[0], words[2]);
  const uint32_t high = ptx::permute<kFirst | kSecond << 4>(words[4], words[6]);
  return ptx::permute<0x5410>(low, high);
}

// By arithmetic: sm_80. A NaN has no sign, as the conversions have it and as arithmetic on the
// device makes it.
struct RoundByArithmetic {
  // e2m1s() takes its elements times kLift, of magnitudes up to kMost, which round to 6. The codes
  // of larger ones and of NaN are any; saturated() brings these to 6.
  static constexpr float kLift = 2, kMost = 6.5f;
  __device__ __forceinline__ static float saturated(float y) {
    return copysignf(fminf(fabsf(y), 6 * kLift), y);
  }

  // Eight codes of e2m1. Added to a power of two c that is in the binade of y, 2 at least, y / 2^22
  // is rounded to the steps that the format has there; with c's exponent twice in its last bits,
  // for a binade is two codes, the sum's last byte is the code.
  __device__ __forceinline__ static uint32_t e2m1s(const float (&y)[8]) {
    uint32_t signs[8], sums[8];
#pragma unroll
    for (int k = 0; k < 8; ++k) {
      const uint32_t c = __float_as_uint(fmaxf(fabsf(y[k]), kLift)) & 0x7f800000u;
      sums[k] = __float_as_uint(fmaf(fabsf(y[k]), 0x1p-22f, __uint_as_float(c + (c >> 22))));
      signs[k] = __float_as_uint(y[k]);
    }
    const uint32_t even = bytes_of_every_other<0>(sums), odd = bytes_of_every_other<0>(sums + 1);
    const uint32_t even_sign = bytes_of_every_other<3, true>(signs);
    const uint32_t odd_sign = bytes_of_every_other<3, true>(signs + 1);
    // Each line one three-input operation; nothing is left of bits above a nibble.
    const uint32_t low = (even & 0x07070707u) | (even_sign & ~0x07070707u);
    const uint32_t high = (odd & 0x07070707u) | (odd_sign & ~0x07070707u);
    return (low & 0x0f0f0f0fu) | (high << 4 & ~0x0f0f0f0fu);
  }

  __device__ __forceinline__ static uint32_t pair(e2m1, float low, float high) {
    return one(e2m1{}, low) | one(e2m1{}, high) << 4;
  }
  __device__ __forceinline__ static uint32_t pair(e4m3, float low, float high) {
    return one(e4m3{}, low) | one(e4m3{}, high) << 8;
  }
  __device__ __forceinline__ static uint32_t pair(e5m2, float low, float high) {
    return one(e5m2{}, low) | one(e5m2{}, high) << 8;
  }

 private:
  __device__ __forceinline__ static uint32_t one(e2m1, float x) {
    return min(magnitude_code<1, 1>(x), 7u) | (float_bits(x) >> 28 & 8u);
  }
  __device__ __forceinline__ static uint32_t one(e4m3, float x) {
    const uint32_t code = min(magnitude_code<7, 3>(x), 0x7eu) | (float_bits(x) >> 24 & 0x80u);
    return is_nan(x) ? 0x7fu : code;
  }
  __device__ __forceinline__ static uint32_t one(e5m2, float x) {
    const uint32_t code = min(magnitude_code<15, 2>(x), 0x7bu) | (float_bits(x) >> 24 & 0x80u);
    return is_nan(x) ? 0x7fu : code;
  }
};

// FP8 by conversion, e2m1 in integers: sm_89, sm_90a.
struct RoundFp8ByConversion : RoundByArithmetic {
  using RoundByArithmetic::pair;
  __device__ __forceinline__ static uint32_t pair(e4m3, float low, float high) {
    return ptx::narrow_e4m3x2(low, high);
  }
  __device__ __forceinline__ static uint32_t pair(e5m2, float low, float high) {
    return ptx::narrow_e5m2x2(low, high);
  }
};

// All by conversion: sm_100a, sm_120f.
struct RoundByConversion : RoundFp8ByConversion {
  using RoundFp8ByConversion::pair;
  static constexpr float kLift = 1, kMost = 0x1.fffffep127f;
  __device__ __forceinline__ static float saturated(float y) { return y; }
  __device__ __forceinline__ static uint32_t e2m1s(const float (&y)[8]) {
    return ptx::narrow_e2m1x8(y);
  }
  __device__ __forceinline__ static uint32_t pair(e2m1, float low, float high) {
    return ptx::narrow_e2m1x2(low, high);
  }
};

}  // namespace nibble::cuda::tile
