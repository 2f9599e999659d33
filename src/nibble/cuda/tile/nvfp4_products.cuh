// Sums of the 16 products of an NVFP4 block, in two ways.
//
//   HalfProducts   in halves, even and odd ones apart. With activations made of codes that is
//                  exact: products are multiples of 1/4 up to 36, a half of the register holds up
//                  to 8 * 36 = 288, and 288 * 4 is less than the 2^11 steps of its significand
//   ByteProducts   codes by codes where nothing converts them: bytes of twice their values, whose
//                  products are 4 times as large, at most 16 * 144 in magnitude. Positive and
//                  negative weights apart: a permutation gives either, and two dot products take
//                  the place of the logic that would put them together
#pragma once
#include "nibble/cuda/ptx/dot.cuh"
#include "nibble/cuda/tile/e2m1_bytes.cuh"
#include "nibble/cuda/tile/nvfp4.cuh"

namespace nibble::cuda::tile {

struct Halves {
  uint32_t pair[4];
};

template <class Decode>
struct HalfProducts {
  using Weights = Halves;
  using Activations = Halves;
  using Sum = uint32_t;
  static constexpr float kUnit = 1;

  static __device__ __forceinline__ float2 scales(uint32_t two) { return Decode::scales(two); }
  static __device__ __forceinline__ Halves weights(uint32_t codes) {
    Halves h;
    Decode::codes(codes, h.pair);
    return h;
  }
  static __device__ __forceinline__ Halves activations(uint32_t codes) { return weights(codes); }
  static __device__ __forceinline__ void add(const Halves& w, const Halves& x, Sum& sum) {
#pragma unroll
    for (int n = 0; n < 4; ++n) sum = ptx::fma_f16x2(w.pair[n], x.pair[n], sum);
  }
  static __device__ __forceinline__ float value(Sum sum) {
    const float2 halves = ptx::widen_f16x2(sum);
    return halves.x + halves.y;
  }
  // By 2^6: then eight products of 6 and the greatest half, 65504, are 49128 at most.
  static constexpr float kShrunk = 64;
  static __device__ __forceinline__ void shrink(Halves& x) {
#pragma unroll
    for (uint32_t& pair : x.pair) pair = ptx::mul_f16x2(pair, 0x24002400u);
  }
};

template <class Scales>
struct ByteProducts {
  struct Weights {
    uint32_t positive[2], negative[2];
  };
  struct Activations {
    uint32_t bytes[2];
  };
  struct Sum {
    int32_t positive = 0, negative = 0;
  };
  static constexpr float kUnit = 0.25f;

  static __device__ __forceinline__ float2 scales(uint32_t two) { return Scales::scales(two); }
  static __device__ __forceinline__ Weights weights(uint32_t codes) {
    const uint32_t flipped = codes ^ 0x88888888u;
    return {{twice_positive(codes), twice_positive(codes >> 16)},
            {twice_positive(flipped), twice_positive(flipped >> 16)}};
  }
  static __device__ __forceinline__ Activations activations(uint32_t codes) {
    const uint32_t flipped = codes ^ 0x88888888u;
    return {{twice_signed(codes, flipped), twice_signed(codes >> 16, flipped >> 16)}};
  }
  static __device__ __forceinline__ void add(const Weights& w, const Activations& x, Sum& sum) {
#pragma unroll
    for (int n = 0; n < 2; ++n) {
      sum.positive = ptx::dot_s8(w.positive[n], x.bytes[n], sum.positive);
      sum.negative = ptx::dot_s8(w.negative[n], x.bytes[n], sum.negative);
    }
  }
  static __device__ __forceinline__ float value(Sum sum) {
    return float(sum.positive - sum.negative);
  }
};

}  // namespace nibble::cuda::tile
