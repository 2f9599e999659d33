// Compiled once per architecture, with its way to round.
#pragma once
#include "nibble/cuda/tile/encode_blocks.cuh"
#include "nibble/cuda/tile/encode_tiles.cuh"
#include "nibble/cuda/tile/quotient.cuh"
#include "nibble/cuda/tile/round_codes.cuh"
#include "nibble/ops/encode_fp8/kernels.h"

namespace nibble::encode_fp8 {
namespace {

namespace tile = cuda::tile;

template <class Round>
struct Codec {
  static constexpr int kBits = 8;
  uint8_t* codes;
  float* scales;
  ue8m0* scales_ue8m0;
  Fp8Scale type;
  const float* amax;  // of the tensor, else null: then of the block

  struct State {
    float amax, scale, inverse;
  };
  __device__ State begin(float block_amax, int64_t, int64_t) const {
    const float most = amax ? *amax : block_amax, scale = fp8_scale(type, most);
    return {most, scale, 1 / scale};
  }
  __device__ void store_scale(const State& s, int64_t block) const {
    if (amax && block != 0) return;  // of the tensor there is one
    if (type == Fp8Scale::ue8m0)
      scales_ue8m0[block] = fp8_scale_ue8m0(s.amax);
    else
      scales[block] = s.scale;
  }
  template <int N>
  __device__ uint64_t encode(const State& s, const float (&x)[N], int64_t) const {
    float y[N];
    if (tile::is_usual(s.scale)) {
#pragma unroll
      for (int k = 0; k < N; ++k) y[k] = tile::quotient<true>(x[k], s.scale, s.inverse);
    } else {
#pragma unroll
      for (int k = 0; k < N; ++k) y[k] = x[k] / s.scale;
    }
    uint64_t all = 0;
#pragma unroll
    for (int k = 0; k < N; k += 2) all |= uint64_t(Round::pair(e4m3{}, y[k], y[k + 1])) << 8 * k;
    return all;
  }
};

template <class Round>
void run(const Args& a, const Exec& e) {
  const Codec<Round> codec{reinterpret_cast<uint8_t*>(a.codes), a.scales, a.scales_ue8m0, a.scale,
                           a.amax};
  // A tensor's elements are independent of each other: rows do not matter.
  if (a.tile == Tile::tensor)
    return tile::launch_encode_blocks<8>(codec, a.x, 1, a.rows * a.cols, e);
  if (a.tile == Tile::row_128)
    return tile::launch_encode_blocks<128>(codec, a.x, a.rows, a.cols, e);
  const Grid g = grid_of(a.tile, a.rows, a.cols);
  tile::launch_encode_tiles(codec, a.x, {a.rows, a.cols, g.tile_rows, g.tile_cols}, e);
}

}  // namespace
}  // namespace nibble::encode_fp8
