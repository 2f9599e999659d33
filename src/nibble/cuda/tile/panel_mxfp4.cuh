// MXFP4 panels of tile/panel_gemv.cuh, times int8: sums of blocks are exact, of which floats are
// made.
#pragma once
#include "nibble/cuda/ptx/bits.cuh"
#include "nibble/cuda/ptx/dot.cuh"
#include "nibble/cuda/ptx/look_up.cuh"
#include "nibble/cuda/tile/panel_gemv.cuh"

namespace nibble::cuda::tile {
namespace {

// A unit is a block of 32. The table of eight bytes that a permutation looks up gives its top bit
// for codes with the sign, so each sign has a table of its own, indexed by codes without it.
//
// Several tokens: codes become 2 * element + 140. Both tables have their top bits set, each gives
// ones where the other one's codes are, and their AND is the byte that is meant; the sum of u8
// times s8 loses 140 times the sum of its x. One token: the tables are 2 * |element|, which is 0
// for codes of the other sign, and the AND and the sum of x are saved for two dot products in place
// of one.
//
// |sum| <= 152 * 128 * 32, and what it comes to, at most 12 * 128 * 32, is exact as a float.
struct Mxfp4Panels {
  using Sum = float;
  static constexpr PanelLayout kLayout{kPanelRows, PanelCodes::fp4, 32};
  static constexpr int kActivation = 1, kMostTokens = 4;
  static constexpr bool kBatched = true;
  static constexpr int kOffset = 140;

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
    // 140 + {0, 1, 2, 3, 4, 6, 8, 12} and 140 less these, or these alone, four at a time.
    static __device__ __forceinline__ uint32_t positive(uint32_t codes) {
      return kTokens == 1 ? ptx::look_up(0x03020100u, 0x0c080604u, codes)
                          : ptx::look_up(0x8f8e8d8cu, 0x98949290u, codes);
    }
    static __device__ __forceinline__ uint32_t negative(uint32_t codes) {
      return kTokens == 1 ? positive(codes) : ptx::look_up(0x898a8b8cu, 0x80848688u, codes);
    }
    // The nibbles of a dword are columns 0, 4, 1, 5, 2, 6, 3, 7.
    __device__ __forceinline__ void piece(const uint4 (&w)[4], int p, const uint4 (&x)[kTokens]) {
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
          const uint32_t codes = dword(w[2 * p + i], r), signs_changed = codes ^ 0x88888888u;
          const uint32_t low = positive(codes), high = positive(codes >> 16);
          const uint32_t low_n = negative(signs_changed), high_n = negative(signs_changed >> 16);
          if constexpr (kTokens == 1) {
            block[r][0] = ptx::dot_u8s8(low, first[0], ptx::dot_u8s8(high, second[0], block[r][0]));
            minus[r] = ptx::dot_u8s8(low_n, first[0], ptx::dot_u8s8(high_n, second[0], minus[r]));
          } else {
#pragma unroll
            for (int j = 0; j < kTokens; ++j)
              block[r][j] = ptx::dot_u8s8(low & low_n, first[j],
                                          ptx::dot_u8s8(high & high_n, second[j], block[r][j]));
          }
        }
      }
    }
    __device__ __forceinline__ int32_t less(int r, int j) const {
      return kTokens == 1 ? minus[r] : kOffset * ones[j];
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
