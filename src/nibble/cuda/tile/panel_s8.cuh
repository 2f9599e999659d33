// int8 and ternary panels of tile/panel_gemv.cuh: exact sums in int32.
#pragma once
#include "nibble/cuda/ptx/dot.cuh"
#include "nibble/cuda/tile/panel_gemv.cuh"

namespace nibble::cuda::tile {
namespace {

struct NoScales {
  template <class Place>
  __device__ __forceinline__ NoScales(const PanelGemv&, const Place&, int) {}
};

// A row of weights and a row of activations with a factor each: y = (sum * w_scale) * x_scale.
struct S8Format {
  using Sum = int32_t;
  using Unit = NoScales;
  static constexpr int kActivation = 1;
  static __device__ __forceinline__ float result(const PanelGemv& g, int32_t sum, int j, int row) {
    return float(sum) * g.w_scale[row] * g.x_scale[j];
  }
};

struct Int8Panels : S8Format {
  static constexpr PanelLayout kLayout{kPanelRows, PanelCodes::bytes, 0};
  static constexpr int kMostTokens = 8;

  template <int kTokens>
  struct Sums {
    int32_t sum[4][kTokens] = {};

    __device__ __forceinline__ void begin() {}
    template <int kSome>
    __device__ __forceinline__ void piece(const uint4 (&w)[4], int, int j0,
                                          const uint4 (&x)[kSome]) {
#pragma unroll
      for (int i = 0; i < 4; ++i)
#pragma unroll
        for (int r = 0; r < 4; ++r)
#pragma unroll
          for (int j = 0; j < kSome; ++j)
            sum[r][j0 + j] = ptx::dot_s8(dword(w[i], r), dword(x[j], i), sum[r][j0 + j]);
    }
    __device__ __forceinline__ void end(NoScales) {}
    __device__ __forceinline__ int32_t value(int r, int j) const { return sum[r][j]; }
  };
};

// A dword is 16 columns: bits 2b and 2b + 1 of its bytes are columns 4b .. 4b + 3, as w + 1.
// Columns of odd b are multiplied in their places, four times too large, and have a sum of their
// own: one shift for 16 weights. It stays below 4 * 3 * 128 k / 64 for the k / 64 columns of a
// lane, few more than the contract's 2^18 / 64, so below 2^23.
struct TernaryPanels : S8Format {
  static constexpr PanelLayout kLayout{kPanelRows, PanelCodes::two_bit, 0};
  static constexpr int kMostTokens = 4;

  template <int kTokens>
  struct Sums {
    int32_t once[4][kTokens] = {}, fourfold[4][kTokens] = {}, ones[kTokens] = {};

    __device__ __forceinline__ void begin() {}
    __device__ __forceinline__ void piece(const uint4 (&w)[4], int p, int,
                                          const uint4 (&x)[kTokens]) {
#pragma unroll
      for (int b = 0; b < 4; ++b)
#pragma unroll
        for (int j = 0; j < kTokens; ++j)
          ones[j] = ptx::dot_s8(0x01010101u, dword(x[j], b), ones[j]);
#pragma unroll
      for (int r = 0; r < 4; ++r) {
        const uint32_t low = dword(w[p], r), high = low >> 4;
#pragma unroll
        for (int j = 0; j < kTokens; ++j) {
          once[r][j] = ptx::dot_u8s8(low & 0x03030303u, x[j].x, once[r][j]);
          fourfold[r][j] = ptx::dot_u8s8(low & 0x0c0c0c0cu, x[j].y, fourfold[r][j]);
          once[r][j] = ptx::dot_u8s8(high & 0x03030303u, x[j].z, once[r][j]);
          fourfold[r][j] = ptx::dot_u8s8(high & 0x0c0c0c0cu, x[j].w, fourfold[r][j]);
        }
      }
    }
    __device__ __forceinline__ void end(NoScales) {}
    __device__ __forceinline__ int32_t value(int r, int j) const {
      return once[r][j] + (fourfold[r][j] >> 2) - ones[j];
    }
  };
};

}  // namespace
}  // namespace nibble::cuda::tile
