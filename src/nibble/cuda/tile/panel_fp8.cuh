// FP8 panels of tile/panel_gemv.cuh, times bf16.
#pragma once
#include "nibble/cuda/tile/nvfp4.cuh"
#include "nibble/cuda/tile/panel_gemv.cuh"

namespace nibble::cuda::tile {
namespace {

// e4m3 weights, bf16 activations: products are exact in float. The 16 columns of a unit are added
// from 0 by an fma each, and their sum times the factor of its 128 x 128 weights by another one. Of
// a step all units have the same factor.
template <class Decode>
struct Fp8Panels {
  using Sum = float;
  static constexpr PanelLayout kLayout{kPanelRows, PanelCodes::bytes, 0};
  static constexpr int kActivation = 2, kMostTokens = 4;

  struct Unit {
    float factor = 1;
    __device__ __forceinline__ Unit(const PanelGemv& g, const UnitPlace<Fp8Panels>& at, int panel) {
      if (g.factor_blocks > 0)
        factor = g.w_scale[panel / 8 * g.factor_blocks + at.unit / kStepUnits];
    }
  };

  template <int kTokens>
  struct Sums {
    float total[4][kTokens] = {}, unit[4][kTokens];

    __device__ __forceinline__ void begin() {
#pragma unroll
      for (int r = 0; r < 4; ++r)
#pragma unroll
        for (int j = 0; j < kTokens; ++j) unit[r][j] = 0;
    }
    __device__ __forceinline__ void piece(const uint4 (&w)[4], int p, int,
                                          const uint4 (&x)[kTokens]) {
#pragma unroll
      for (int i = 0; i < 2; ++i)
#pragma unroll
        for (int r = 0; r < 4; ++r) {
          const uint32_t four = dword(w[2 * p + i], r);
          const float2 low = Decode::scales(four), high = Decode::scales(four >> 16);
#pragma unroll
          for (int j = 0; j < kTokens; ++j) {
            const uint32_t a = dword(x[j], 2 * i), b = dword(x[j], 2 * i + 1);
            float& to = unit[r][j];
            to = fmaf(low.x, __uint_as_float(a << 16), to);
            to = fmaf(low.y, __uint_as_float(a & 0xffff0000u), to);
            to = fmaf(high.x, __uint_as_float(b << 16), to);
            to = fmaf(high.y, __uint_as_float(b & 0xffff0000u), to);
          }
        }
    }
    __device__ __forceinline__ void end(const Unit& u) {
#pragma unroll
      for (int r = 0; r < 4; ++r)
#pragma unroll
        for (int j = 0; j < kTokens; ++j) total[r][j] = fmaf(unit[r][j], u.factor, total[r][j]);
    }
    __device__ __forceinline__ float value(int r, int j) const { return total[r][j]; }
  };

  static __device__ __forceinline__ float result(const PanelGemv& g, float sum, int, int row) {
    const float y = g.w_scale && g.factor_blocks == 0 ? sum * g.w_scale[row] : sum;
    return y != y ? __uint_as_float(0x7fc00000u) : y;
  }
};

}  // namespace
}  // namespace nibble::cuda::tile
