// Compiled once per architecture, with its way to round. A block of threads has a row, in shared
// memory from its sum to its codes; of a row that does not fit, parts are read again.
//
// The sum has one order, sixteen chains: half a warp adds it up while the others wait, so that its
// latency is to be hidden by other blocks.
#pragma once
#include "nibble/cuda/tile/made_rows.cuh"
#include "nibble/ops/norm_quantise/kernels.h"

namespace nibble::norm_quantise {
namespace {

namespace tile = cuda::tile;

struct Aligned {
  bool inputs, gamma, codes;
};

// Sixteen bytes of a matrix that this kernel writes, too, if x is the sum.
template <bool kWide>
__device__ __forceinline__ void load_written(DType type, const void* data, int64_t i, bool aligned,
                                             float (&v)[tile::kPerLane<kWide>]) {
  uint32_t words[4];
  const auto* p = static_cast<const uint8_t*>(data) + i * (kWide ? 4 : 2);
  if (aligned) {
    const uint4 q = *reinterpret_cast<const uint4*>(p);
    words[0] = q.x, words[1] = q.y, words[2] = q.z, words[3] = q.w;
  } else {
#pragma unroll
    for (int k = 0; k < 4; ++k)
      words[k] = kWide ? reinterpret_cast<const uint32_t*>(p)[k]
                       : reinterpret_cast<const uint16_t*>(p)[2 * k] |
                             uint32_t(reinterpret_cast<const uint16_t*>(p)[2 * k + 1]) << 16;
  }
  tile::widen_lane<kWide>(type, words, v);
}

// s, rounded to the type of x, which every NaN of is the quiet one; and its store.
template <bool kWide>
__device__ __forceinline__ void add_delta(const Args& a, int64_t i, bool aligned,
                                          float (&v)[tile::kPerLane<kWide>]) {
  constexpr int kPer = tile::kPerLane<kWide>;
  float d[kPer];
  tile::load_lane<kWide>(a.delta, i, kPer, aligned, d);
  uint32_t words[4] = {};
#pragma unroll
  for (int k = 0; k < kPer; ++k) {
    const float s = v[k] + d[k];
    uint32_t u = is_nan(s) ? kFloatQuietNaN : float_bits(s);
    if constexpr (kWide) {
      words[k] = u;
    } else {
      u = uint32_t(to_bf16(__uint_as_float(u)).bits) << 16;
      words[k / 2] |= u >> 16 * (1 - k % 2);
    }
    v[k] = __uint_as_float(u);
  }
  auto* to = static_cast<uint8_t*>(a.sum.data) + i * (kWide ? 4 : 2);
  if (aligned) {
    *reinterpret_cast<uint4*>(to) = make_uint4(words[0], words[1], words[2], words[3]);
  } else {
#pragma unroll
    for (int k = 0; k < kPer; ++k)
      if constexpr (kWide)
        reinterpret_cast<uint32_t*>(to)[k] = words[k];
      else
        reinterpret_cast<uint16_t*>(to)[k] = uint16_t(words[k / 2] >> 16 * (k % 2));
  }
}

template <Norm kNorm>
__device__ __forceinline__ float add_to(float sum, float s) {
  return kNorm == Norm::rms ? fmaf(s, s, sum) : sum + fabsf(s);
}

// numerics/reduce.h's sixteen lanes, going on from `sum`: lane j adds what the norm makes of j, j +
// 16, ... of the `count` elements in `row`. Places of 128 elements repeat (tile::place_of).
template <Norm kNorm>
__device__ __forceinline__ float add_lane(const float* row, int count, int lane, float sum) {
  const float* column[4];
#pragma unroll
  for (int k = 0; k < 4; ++k) column[k] = row + (lane ^ k << 2);
  int i = 0;
  for (; i + 128 <= count; i += 128)
#pragma unroll
    for (int k = 0; k < 8; ++k) sum = add_to<kNorm>(sum, column[k / 2][i + 16 * k]);
  for (; i < count; i += 16) sum = add_to<kNorm>(sum, row[tile::place_of(i + lane)]);
  return sum;
}

__device__ __forceinline__ void load_gamma(const Floats& gamma, int64_t i, bool aligned,
                                           float (&g)[4]) {
  if (!aligned) {
#pragma unroll
    for (int k = 0; k < 4; ++k) g[k] = tile::device_float_at(gamma, i + k);
  } else if (gamma.type == DType::f32) {
    const float4 q = *reinterpret_cast<const float4*>(static_cast<const float*>(gamma.data) + i);
    g[0] = q.x, g[1] = q.y, g[2] = q.z, g[3] = q.w;
  } else {
    const uint2 q = *reinterpret_cast<const uint2*>(static_cast<const uint16_t*>(gamma.data) + i);
    g[0] = __uint_as_float(q.x << 16), g[1] = __uint_as_float(q.x & 0xffff0000u);
    g[2] = __uint_as_float(q.y << 16), g[3] = __uint_as_float(q.y & 0xffff0000u);
  }
}

// One row's part that is in shared memory at a time, and what becomes of it there.
template <bool kWide>
struct Part {
  const Args& a;
  float* row;
  int64_t first, column;  // of the row in the matrix, of the part in the row
  int count;
  Aligned aligned;

  // s, from x and delta, or with `again` from where it is.
  __device__ void load(bool again) const {
    constexpr int kPer = tile::kPerLane<kWide>;
    for (int i = int(threadIdx.x) * kPer; i < count; i += int(blockDim.x) * kPer) {
      const int64_t at = first + column + i;
      float v[kPer];
      if (a.with_delta) {
        load_written<kWide>(a.x.type, again ? a.sum.data : a.x.data, at, aligned.inputs, v);
        if (!again) add_delta<kWide>(a, at, aligned.inputs, v);
      } else {
        tile::load_lane<kWide>(a.x, at, kPer, aligned.inputs, v);
      }
      tile::put_in_row(row, i, v);
    }
  }
  // y in place of s; the greatest magnitude of this thread's.
  __device__ float scale(float factor) const {
    float most = 0;
    for (int i = int(threadIdx.x) * 4; i < count; i += int(blockDim.x) * 4) {
      float4& s = tile::chunk_at(row, i);
      float g[4] = {1, 1, 1, 1}, y[4] = {s.x, s.y, s.z, s.w};
      if (a.with_gamma) load_gamma(a.gamma, column + i, aligned.gamma, g);
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        y[k] = y[k] * factor * g[k];
        if (a.round_bf16) y[k] = tile::as_bf16(y[k]);
      }
      most = cuda::ptx::max_or_nan(most, tile::amax_of_lane(y));
      s = make_float4(y[0], y[1], y[2], y[3]);
    }
    return most;
  }
};

template <class Round, bool kWide>
__global__ void __launch_bounds__(256, 4) norm_quantise_rows(Args a, int chunk, Aligned aligned) {
  extern __shared__ float4 shared[];
  __shared__ float factor_of_row;
  float* const row = reinterpret_cast<float*>(shared);
  const int64_t r = blockIdx.x;
  const bool whole = a.cols <= chunk;
  const auto part = [&](int64_t column) {
    return Part<kWide>{a,      row, r * a.cols, column, int(min(a.cols - column, int64_t(chunk))),
                       aligned};
  };

  float sum = 0;
  for (int64_t column = 0; column < a.cols; column += chunk) {
    if (column != 0) __syncthreads();
    part(column).load(false);
    __syncthreads();
    if (threadIdx.x < 16) {
      const int count = part(column).count, lane = int(threadIdx.x);
      sum = a.norm == Norm::rms ? add_lane<Norm::rms>(row, count, lane, sum)
                                : add_lane<Norm::absmean>(row, count, lane, sum);
    }
  }
  if (threadIdx.x < 32) {  // a whole warp, for the shuffles
#pragma unroll
    for (int half = 8; half > 0; half /= 2) sum += __shfl_down_sync(~0u, sum, half);
    if (threadIdx.x == 0) factor_of_row = factor_of(a, sum / float(a.cols));
  }
  __syncthreads();
  const float factor = factor_of_row;

  float most = 0;
  for (int64_t column = 0; column < a.cols; column += chunk) {
    if (!whole) {
      __syncthreads();
      part(column).load(true);
      __syncthreads();
    }
    most = cuda::ptx::max_or_nan(most, part(column).scale(factor));
  }
  const tile::RowScale<encode_rows::Encoded> scale(a.to, tile::greatest_of_block(most));
  if (threadIdx.x == 0) scale.store(a.to, r);
  for (int64_t column = 0; column < a.cols; column += chunk) {
    if (!whole) {
      __syncthreads();
      part(column).load(true);
      __syncthreads();
      part(column).scale(factor);
      __syncthreads();
    }
    tile::encode_row<Round>(a.to, scale, row, r, a.cols, column, part(column).count, aligned.codes);
  }
}

template <class Round>
void run(const Args& a, const Exec& e) {
  const tile::RowPlan plan = tile::row_plan<encode_rows::Encoded>(a.rows, a.cols);
  const auto rows_are_aligned = [&](const void* p) {
    return tile::rows_are_aligned({a.x.type, p}, a.cols);
  };
  const Aligned aligned{.inputs = rows_are_aligned(a.x.data) && rows_are_aligned(a.delta.data) &&
                                  rows_are_aligned(a.sum.data),
                        .gamma = reinterpret_cast<uintptr_t>(a.gamma.data) % 16 == 0,
                        .codes = tile::codes_are_aligned(a.to, a.cols)};
  if (a.x.type == DType::f32)
    cuda::launch(norm_quantise_rows<Round, true>, plan.launch, e, a, plan.chunk, aligned);
  else
    cuda::launch(norm_quantise_rows<Round, false>, plan.launch, e, a, plan.chunk, aligned);
}

}  // namespace
}  // namespace nibble::norm_quantise
