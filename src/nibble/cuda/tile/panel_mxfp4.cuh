// MXFP4 panels of tile/panel_gemv.cuh, times int8: sums of blocks are exact, of which floats are
// made.
#pragma once
#include "nibble/cuda/ptx/bits.cuh"
#include "nibble/cuda/ptx/dot.cuh"
#include "nibble/cuda/tile/e2m1_bytes.cuh"
#include "nibble/cuda/tile/panel_gemv.cuh"

namespace nibble::cuda::tile {
namespace {

// A unit is a block of 32. Several tokens: codes become 140 + 2 * element, and the sum of u8 times
// s8 loses 140 times the sum of its x. One token: codes become 2 * |element| of either sign, and
// the AND and the sum of x are saved for two dot products in place of one.
//
// |sum| <= 152 * 128 * 32, and what it comes to, at most 12 * 128 * 32, is exact as a float.
struct Mxfp4Panels {
  using Sum = float;
  static constexpr PanelLayout kLayout{kPanelRows, PanelCodes::fp4, 32};
  static constexpr int kActivation = 1, kMostTokens = 4;

  struct Unit {
    uint32_t bytes;  // of four rows, made of the scales of four blocks, a dword each row
    __device__ __forceinline__ Unit(const PanelGemv&, const UnitPlace<Mxfp4Panels>& at, int) {
      const uint4 four = ptx::load_kept(at.tile + 16 * at.quad);
      const uint32_t block = 0x40 + at.slot * 0x11;
      bytes = __byte_perm(__byte_perm(four.x, four.y, block), __byte_perm(four.z, four.w, block),
                          0x5410);
    }
    // As the exponent of a float, but for 0, which is 2^-127, and 0xff, which is NaN: infinity is
    // the only number whose product with 0 is not 0.
    __device__ __forceinline__ float scale(int r) const {
      const uint32_t high = __byte_perm(bytes, 0, 0x0444 | r << 12);
      const float power = fmaxf(__uint_as_float(high >> 1), 0x1p-127f);
      return fmaf(power, 0, power);
    }
  };

  template <int kTokens>
  struct Sums {
    float total[4][kTokens] = {};
    int32_t block[4][kTokens], minus[4], ones[kTokens];

    __device__ __forceinline__ void begin() {
#pragma unroll
      for (int j = 0; j < kTokens; ++j) {
        ones[j] = 0;
#pragma unroll
        for (int r = 0; r < 4; ++r) block[r][j] = minus[r] = 0;
      }
    }
    // The nibbles of a dword are columns 0, 4, 1, 5, 2, 6, 3, 7.
    __device__ __forceinline__ void piece(const uint4 (&w)[4], int p, int,
                                          const uint4 (&x)[kTokens]) {
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        uint32_t first[kTokens], second[kTokens];
#pragma unroll
        for (int j = 0; j < kTokens; ++j) {
          const uint32_t a = dword(x[j], 2 * i), b = dword(x[j], 2 * i + 1);
          first[j] = ptx::permute<0x5140>(a, b), second[j] = ptx::permute<0x7362>(a, b);
          ones[j] = ptx::dot_s8(0x01010101u, a, ptx::dot_s8(0x01010101u, b, ones[j]));
        }
#pragma unroll
        for (int r = 0; r < 4; ++r) {
          const uint32_t codes = dword(w[2 * p + i], r), flipped = codes ^ 0x88888888u;
          if constexpr (kTokens == 1) {
            block[r][0] = ptx::dot_u8s8(twice_positive(codes), first[0], block[r][0]);
            block[r][0] = ptx::dot_u8s8(twice_positive(codes >> 16), second[0], block[r][0]);
            minus[r] = ptx::dot_u8s8(twice_positive(flipped), first[0], minus[r]);
            minus[r] = ptx::dot_u8s8(twice_positive(flipped >> 16), second[0], minus[r]);
          } else {
            const uint32_t low = twice_lifted(codes, flipped);
            const uint32_t high = twice_lifted(codes >> 16, flipped >> 16);
#pragma unroll
            for (int j = 0; j < kTokens; ++j)
              block[r][j] =
                  ptx::dot_u8s8(low, first[j], ptx::dot_u8s8(high, second[j], block[r][j]));
          }
        }
      }
    }
    __device__ __forceinline__ int32_t less(int r, int j) const {
      return kTokens == 1 ? minus[r] : kTwiceOffset * ones[j];
    }
    __device__ __forceinline__ void end(const Unit& unit) {
#pragma unroll
      for (int r = 0; r < 4; ++r) {
        const float scale = unit.scale(r);
#pragma unroll
        for (int j = 0; j < kTokens; ++j)
          total[r][j] = fmaf(float(block[r][j] - less(r, j)), scale, total[r][j]);
      }
    }
    __device__ __forceinline__ float value(int r, int j) const { return total[r][j]; }
  };

  static __device__ __forceinline__ float result(const PanelGemv& g, float sum, int j, int row) {
    const float y = sum * 0.5f * (g.w_scale[row] * g.x_scale[j]);
    return y != y ? __uint_as_float(0x7fc00000u) : y;
  }
};

}  // namespace
}  // namespace nibble::cuda::tile
