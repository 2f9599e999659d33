// e2m1 and e4m3 in registers, made into pairs of halves in four ways:
//
//   Shifted    shifts and masks alone: sm80. Its pairs are codes j and j + 4 of a word, its values
//              2^-14 of the codes': the bits of e2m1 are those of a half with 14 less of exponent
//   Widened    the same, with the conversion of e4m3 that sm_89 brought
//   Converted  the conversions of Blackwell; pairs are neighbours
//   LaidOut    codes that were laid out for left shifts (numerics/shifted_codes.h): six operations
//              for eight codes beside the shifts, which the multiplier can do; pairs are neighbours
#pragma once
#include "nibble/cuda/ptx/bits.cuh"
#include "nibble/cuda/ptx/convert.cuh"
#include "nibble/cuda/ptx/half.cuh"
#include "nibble/numerics/shifted_codes.h"

namespace nibble::cuda::tile {

struct Shifted {
  static constexpr float kUnit = 0x1p14f;  // a code's value over the half's

  static __device__ __forceinline__ void codes(uint32_t w, uint32_t (&h)[4]) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      // Code j at bits 12..15 and j + 4 at 28..31: the sign is in place, the magnitude 3 too high.
      const uint32_t at = w << (12 - 4 * j), sign = at & 0x80008000u;
      h[j] = ptx::logic<(0xf0 & 0xcc) | 0xaa>(at >> 3, 0x0e000e00u, sign);
    }
  }
  // Of two bytes. The bits of e4m3 are those of a half with 8 less of exponent; its NaN would be
  // 480. 480 * 136.5 is 65520, which rounds to infinity, 448 * 136.5 does not: times 0 the one is
  // NaN and the other 0.
  static __device__ __forceinline__ float2 scales(uint32_t two) {
    const uint32_t high = ptx::permute<0x1404>(two, 0);  // bytes 0, b0, 0, b1
    const uint32_t sign = high & 0x80008000u;
    const uint32_t h = ptx::logic<(0xf0 & 0xcc) | 0xaa>(high >> 1, 0x3f803f80u, sign);
    const uint32_t value = ptx::mul_f16x2(h, 0x5c005c00u);
    const uint32_t past = ptx::mul_f16x2(value, 0x58445844u);
    return ptx::widen_f16x2(ptx::fma_f16x2(past, 0, value));
  }
};

struct Widened {
  static constexpr float kUnit = Shifted::kUnit;
  static __device__ __forceinline__ void codes(uint32_t w, uint32_t (&h)[4]) {
    Shifted::codes(w, h);
  }
  static __device__ __forceinline__ float2 scales(uint32_t two) {
    return ptx::widen_f16x2(ptx::widen_e4m3x2(two));
  }
};

struct Converted {
  static constexpr float kUnit = 1;
  static __device__ __forceinline__ void codes(uint32_t w, uint32_t (&h)[4]) {
    ptx::widen_e2m1x8(w, h);
  }
  static __device__ __forceinline__ float2 scales(uint32_t two) {
    return ptx::widen_f16x2(ptx::widen_e4m3x2(two));
  }
};

template <class Scales>
struct LaidOut {
  static constexpr float kUnit = 1;
  static __device__ __forceinline__ void codes(uint32_t w, uint32_t (&h)[4]) {
#pragma unroll
    for (int i = 0; i < 4; ++i) h[i] = ptx::mul_f16x2(shifted_pair(w, i), 0x74007400u);  // 2^14
  }
  static __device__ __forceinline__ float2 scales(uint32_t two) { return Scales::scales(two); }
};

}  // namespace nibble::cuda::tile
