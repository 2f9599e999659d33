// Encoding into formats whose scale is shared by few neighbours of a row, 16 to 128: the lanes that
// have them find their greatest magnitude by shuffles, and every byte is read once.
//
// A Codec says what becomes of them:
//   static constexpr int kBits                            of a code: 4 or 8
//   uint8_t* codes                                        row-major, without gaps
//   State begin(float amax, int64_t block, int64_t row)   what the elements of a block have in
//   common void store_scale(const State&, int64_t block) uint64_t encode(const State&, const float
//   (&x)[N], int64_t number)   codes, the first one lowest
#pragma once
#include "nibble/cuda/launch.cuh"
#include "nibble/cuda/tile/lane_floats.cuh"

namespace nibble::cuda::tile {

// kLanes: of a block, a power of two. Blocks at the end of a row may be smaller.
template <class Codec, bool kWide, int kLanes>
__global__ void __launch_bounds__(256, 4)
    encode_blocks(Codec codec, Floats x, int64_t rows, int64_t cols, bool aligned) {
  constexpr int kPer = kPerLane<kWide>, kBlock = kLanes * kPer;
  const int64_t thread = int64_t(blockIdx.x) * 256 + threadIdx.x;
  const int64_t blocks_of_row = (cols + kBlock - 1) / kBlock, blocks = rows * blocks_of_row;
  // Lanes past the end stay for the shuffles, with the last block in hand.
  const bool exists = thread / kLanes < blocks;
  const int64_t block = exists ? thread / kLanes : blocks - 1;
  // 32 bits suffice for all but huge matrices, at a third of the instructions.
  const int64_t row =
      (blocks >> 32) == 0 ? uint32_t(block) / uint32_t(blocks_of_row) : block / blocks_of_row;
  const int64_t column = (block - row * blocks_of_row) * kBlock + thread % kLanes * kPer;
  const int64_t left = cols - column;
  const int count = left <= 0 ? 0 : left < kPer ? int(left) : kPer;
  const int64_t number = row * cols + column;
  float v[kPer] = {};
  if (count) load_lane<kWide>(x, number, count, aligned, v);
  uint32_t most = greatest_magnitude(v);
#pragma unroll
  for (int distance = kLanes / 2; distance > 0; distance /= 2)
    most = max(most, __shfl_xor_sync(~0u, most, distance));
  if (!exists || !count) return;
  const auto state = codec.begin(amax_from(most), block, row);
  if (thread % kLanes == 0) codec.store_scale(state, block);
  constexpr int kBytes = kPer * Codec::kBits / 8;
  store_lane<kBytes>(codec.codes + number * Codec::kBits / 8, codec.encode(state, v, number),
                     count * Codec::kBits / 8, aligned);
}

template <int kBlock, class Codec>
void launch_encode_blocks(const Codec& codec, const Floats& x, int64_t rows, int64_t cols,
                          const Exec& e) {
  const bool wide = x.type == DType::f32, aligned = lanes_are_aligned(x, cols, codec.codes);
  const int64_t lanes = kBlock / (wide ? 4 : 8);
  const int64_t threads = rows * ((cols + kBlock - 1) / kBlock) * lanes;
  const Launch l{.grid = unsigned((threads + 255) / 256), .block = 256};
  if (wide)
    launch(encode_blocks<Codec, true, kBlock / 4>, l, e, codec, x, rows, cols, aligned);
  else
    launch(encode_blocks<Codec, false, kBlock / 8>, l, e, codec, x, rows, cols, aligned);
}

}  // namespace nibble::cuda::tile
