// Sixteen bytes of a row of floats for each lane: 4 elements of f32, 8 of bf16 or fp16. Lanes that
// follow each other have elements that follow each other, so that a warp's loads are whole sectors.
#pragma once
#include <cstdint>

#include "nibble/cuda/ptx/float.cuh"
#include "nibble/cuda/ptx/half.cuh"
#include "nibble/cuda/ptx/load.cuh"
#include "nibble/numerics/floats.h"

namespace nibble::cuda::tile {

template <bool kWide>  // f32
inline constexpr int kPerLane = kWide ? 4 : 8;

// Whether every lane's 16 bytes, and the codes of its elements, lie on multiples of their size.
inline bool lanes_are_aligned(const Floats& x, int64_t cols, const void* codes) {
  const int per = x.type == DType::f32 ? 4 : 8;
  return reinterpret_cast<uintptr_t>(x.data) % 16 == 0 &&
         reinterpret_cast<uintptr_t>(codes) % 8 == 0 && cols % per == 0;
}

__device__ __forceinline__ float device_float_at(const Floats& x, int64_t i) {
  if (x.type == DType::f32) return static_cast<const float*>(x.data)[i];
  const uint16_t bits = static_cast<const uint16_t*>(x.data)[i];
  return x.type == DType::bf16 ? to_float(bf16{bits}) : ptx::widen_f16x2(bits).x;
}

// The floats in 16 bytes.
template <bool kWide>
__device__ __forceinline__ void widen_lane(DType type, const uint32_t (&words)[4],
                                           float (&v)[kPerLane<kWide>]) {
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    if constexpr (kWide) {
      v[k] = __uint_as_float(words[k]);
    } else if (type == DType::bf16) {
      v[2 * k] = __uint_as_float(words[k] << 16);
      v[2 * k + 1] = __uint_as_float(words[k] & 0xffff0000u);
    } else {
      const float2 two = ptx::widen_f16x2(words[k]);
      v[2 * k] = two.x, v[2 * k + 1] = two.y;
    }
  }
}

// `count` elements from number i on, the rest of v is 0. Aligned, there are as many as v has.
template <bool kWide>
__device__ __forceinline__ void load_lane(const Floats& x, int64_t i, int count, bool aligned,
                                          float (&v)[kPerLane<kWide>]) {
  uint32_t words[4] = {};
  if (aligned) {
    const uint4 q = ptx::load_streamed(static_cast<const uint8_t*>(x.data) + i * (kWide ? 4 : 2));
    words[0] = q.x, words[1] = q.y, words[2] = q.z, words[3] = q.w;
  } else if constexpr (kWide) {
    const auto* from = static_cast<const uint32_t*>(x.data) + i;
#pragma unroll
    for (int k = 0; k < 4; ++k)
      if (k < count) words[k] = from[k];
  } else {
    const auto* from = static_cast<const uint16_t*>(x.data) + i;
#pragma unroll
    for (int k = 0; k < 8; ++k)
      if (k < count) words[k / 2] |= uint32_t(from[k]) << 16 * (k % 2);
  }
  widen_lane<kWide>(x.type, words, v);
}

// The low `bytes` of `word`, at any address or at a multiple of that many.
template <int kBytes>
__device__ __forceinline__ void store_lane(void* to, uint64_t word, int bytes, bool aligned) {
  static_assert(kBytes == 2 || kBytes == 4 || kBytes == 8);
  if (!aligned) {
#pragma unroll
    for (int k = 0; k < kBytes; ++k)
      if (k < bytes) static_cast<uint8_t*>(to)[k] = uint8_t(word >> 8 * k);
  } else if constexpr (kBytes == 8) {
    *static_cast<uint2*>(to) = make_uint2(uint32_t(word), uint32_t(word >> 32));
  } else if constexpr (kBytes == 4) {
    *static_cast<uint32_t*>(to) = uint32_t(word);
  } else {
    *static_cast<uint16_t*>(to) = uint16_t(word);
  }
}

template <int N>
__device__ __forceinline__ uint32_t greatest_magnitude(const float (&v)[N]) {
  uint32_t most = 0;
#pragma unroll
  for (int k = 0; k < N; ++k) most = greater_magnitude(most, v[k]);
  return most;
}
// The same as a float, NaN if one of the elements is.
template <int N>
__device__ __forceinline__ float amax_of_lane(const float (&v)[N]) {
  float most = fabsf(v[0]);
#pragma unroll
  for (int k = 1; k < N; ++k) most = ptx::max_or_nan(most, fabsf(v[k]));
  return most;
}
// Of N lanes that follow each other, each of which has N values: lane l gets the greatest of all
// their v[l % N], NaN if one is.
template <int N>
__device__ __forceinline__ float greatest_of_own(const float (&v)[N], int lane) {
  if constexpr (N == 1) {
    return v[0];
  } else {
    const bool upper = (lane & (N / 2)) != 0;
    float kept[N / 2];
#pragma unroll
    for (int i = 0; i < N / 2; ++i) {
      const float mine = upper ? v[i + N / 2] : v[i], theirs = upper ? v[i] : v[i + N / 2];
      kept[i] = ptx::max_or_nan(mine, __shfl_xor_sync(~0u, theirs, N / 2));
    }
    return greatest_of_own(kept, lane);
  }
}
// From magnitude bits: NaN if one of the elements is.
__device__ __forceinline__ float amax_from(uint32_t most) {
  return __uint_as_float(most > kFloatInf ? kFloatQuietNaN + 0 : most);
}

}  // namespace nibble::cuda::tile
