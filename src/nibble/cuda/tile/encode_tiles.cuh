// Encoding into formats whose scale is shared by a tile too large for a warp: a row, or a square. A
// block of threads has a tile and keeps what it can of it in registers between finding the greatest
// magnitude and encoding; what it cannot keep it reads again, from L2. A Codec is as in
// encode_blocks.cuh, with the tile for the block.
#pragma once
#include "nibble/cuda/launch.cuh"
#include "nibble/cuda/tile/lane_floats.cuh"

namespace nibble::cuda::tile {

struct Tiles {
  int64_t rows = 0, cols = 0;            // of the matrix
  int64_t tile_rows = 0, tile_cols = 0;  // smaller at the edges
  bool aligned = false;
};

// Where thread t's k-th piece is: its number in the matrix, and how many elements it has.
template <int kPer>
struct Piece {
  int64_t number;
  int count;
  __device__ Piece(const Tiles& t, int64_t first_row, int64_t first_col, int64_t cols, int64_t k) {
    const int64_t pieces = (cols + kPer - 1) / kPer;
    const int64_t row = t.tile_rows == 1 ? 0 : int64_t(uint32_t(k) / uint32_t(pieces));
    const int64_t column = (k - row * pieces) * kPer, left = cols - column;
    number = (first_row + row) * t.cols + first_col + column;
    count = left < kPer ? int(left) : kPer;
  }
};

template <class Codec, bool kWide>
__global__ void __launch_bounds__(256, 4) encode_tiles(Codec codec, Floats x, Tiles t) {
  constexpr int kPer = kPerLane<kWide>, kKept = 4, kBytes = kPer * Codec::kBits / 8;
  const int64_t across = (t.cols + t.tile_cols - 1) / t.tile_cols;
  const int64_t first_row = blockIdx.x / across * t.tile_rows;
  const int64_t first_col = blockIdx.x % across * t.tile_cols;
  const int64_t rows = min(t.tile_rows, t.rows - first_row);
  const int64_t cols = min(t.tile_cols, t.cols - first_col);
  const int64_t pieces = rows * ((cols + kPer - 1) / kPer);
  const auto load = [&](int64_t k, bool aligned, float(&v)[kPer]) {
    const Piece<kPer> p(t, first_row, first_col, cols, k);
    load_lane<kWide>(x, p.number, p.count, aligned, v);
  };
  // Only aligned pieces are kept: the others are rare, and their code is long.
  const int64_t rest = threadIdx.x + (t.aligned ? kKept : 0) * blockDim.x;
  float kept[kKept][kPer];
  uint32_t most = 0;
#pragma unroll
  for (int i = 0; i < kKept; ++i)
    if (const int64_t k = threadIdx.x + i * blockDim.x; t.aligned && k < pieces) {
      load(k, true, kept[i]);
      most = max(most, greatest_magnitude(kept[i]));
    }
  for (int64_t k = rest; k < pieces; k += blockDim.x) {
    float v[kPer];
    load(k, t.aligned, v);
    most = max(most, greatest_magnitude(v));
  }
  __shared__ uint32_t of_warp[8];
  most = __reduce_max_sync(~0u, most);
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = most;
  __syncthreads();
  for (unsigned w = 0; w < blockDim.x / 32; ++w) most = max(most, of_warp[w]);

  const auto state = codec.begin(amax_from(most), blockIdx.x, first_row);
  if (threadIdx.x == 0) codec.store_scale(state, blockIdx.x);
  const auto store = [&](int64_t k, bool aligned, const float(&v)[kPer]) {
    const Piece<kPer> p(t, first_row, first_col, cols, k);
    store_lane<kBytes>(codec.codes + p.number * Codec::kBits / 8, codec.encode(state, v, p.number),
                       p.count * Codec::kBits / 8, aligned);
  };
#pragma unroll
  for (int i = 0; i < kKept; ++i)
    if (const int64_t k = threadIdx.x + i * blockDim.x; t.aligned && k < pieces)
      store(k, true, kept[i]);
  for (int64_t k = rest; k < pieces; k += blockDim.x) {
    float v[kPer];
    load(k, t.aligned, v);
    store(k, t.aligned, v);
  }
}

template <class Codec>
void launch_encode_tiles(const Codec& codec, const Floats& x, Tiles t, const Exec& e) {
  const bool wide = x.type == DType::f32;
  t.aligned = lanes_are_aligned(x, t.cols, codec.codes);
  const int64_t per = wide ? 4 : 8;
  const int64_t pieces = (t.tile_cols + per - 1) / per * t.tile_rows;
  const int64_t tiles =
      ((t.rows + t.tile_rows - 1) / t.tile_rows) * ((t.cols + t.tile_cols - 1) / t.tile_cols);
  const Launch l{.grid = unsigned(tiles),
                 .block = unsigned(pieces >= 256 ? 256 : (pieces + 31) / 32 * 32)};
  wide ? launch(encode_tiles<Codec, true>, l, e, codec, x, t)
       : launch(encode_tiles<Codec, false>, l, e, codec, x, t);
}

}  // namespace nibble::cuda::tile
