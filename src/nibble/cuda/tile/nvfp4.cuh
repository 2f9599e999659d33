// e2m1 and e4m3 in registers. Scales, two at a time:
//
//   Shifted    shifts and masks alone: sm80
//   Widened    the conversion of e4m3 that sm_89 brought
//
// and codes, made into pairs of halves that are neighbours:
//
//   Converted  the conversions of Blackwell
//   LaidOut    codes that were laid out for left shifts (numerics/shifted_codes.h): six operations
//              for eight codes beside the shifts, which the multiplier can do
#pragma once
#include "nibble/cuda/ptx/bits.cuh"
#include "nibble/cuda/ptx/convert.cuh"
#include "nibble/cuda/ptx/half.cuh"
#include "nibble/numerics/shifted_codes.h"

namespace nibble::cuda::tile {

struct Shifted {
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
  static __device__ __forceinline__ float2 scales(uint32_t two) {
    return ptx::widen_f16x2(ptx::widen_e4m3x2(two));
  }
};

struct Converted : Widened {
  static __device__ __forceinline__ void codes(uint32_t w, uint32_t (&h)[4]) {
    ptx::widen_e2m1x8(w, h);
  }
};

template <class Scales>
struct LaidOut : Scales {
  static __device__ __forceinline__ void codes(uint32_t w, uint32_t (&h)[4]) {
#pragma unroll
    for (int i = 0; i < 4; ++i) h[i] = ptx::mul_f16x2(shifted_pair(w, i), 0x74007400u);  // 2^14
  }
};

}  // namespace nibble::cuda::tile
