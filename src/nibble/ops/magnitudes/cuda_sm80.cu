// PTX: ld.global.nc.L1::no_allocate.L2::256B.v4.b32, redux.sync.max.u32
#include "nibble/cuda/launch.cuh"
#include "nibble/cuda/tile/lane_floats.cuh"
#include "nibble/ops/magnitudes/kernels.h"

namespace nibble::magnitudes {
namespace {

namespace tile = cuda::tile;

// A block of threads for a row, 16 bytes a lane.
template <bool kWide>
__global__ void __launch_bounds__(256, 6) magnitudes_amax(Args a, bool aligned) {
  constexpr int kPer = tile::kPerLane<kWide>;
  const int64_t row = int64_t(blockIdx.x) * a.cols;
  uint32_t most = 0;
  for (int64_t c = int64_t(threadIdx.x) * kPer; c < a.cols; c += int64_t(blockDim.x) * kPer) {
    const int64_t left = a.cols - c;
    float v[kPer];
    tile::load_lane<kWide>(a.x, row + c, left < kPer ? int(left) : kPer, aligned, v);
    most = max(most, tile::greatest_magnitude(v));
  }
  __shared__ uint32_t of_warp[8];
  most = __reduce_max_sync(~0u, most);
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = most;
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (unsigned w = 1; w < blockDim.x / 32; ++w) most = max(most, of_warp[w]);
  a.amax[blockIdx.x] = tile::amax_from(most);
}

// Half a warp for a row, because the order of its sum is that of sixteen lanes.
__global__ void __launch_bounds__(256, 6) magnitudes_with_sum(Args a) {
  const int64_t row = int64_t(blockIdx.x) * 16 + threadIdx.x / 16;
  const int lane = int(threadIdx.x % 16);
  double sum = 0;
  uint32_t most = 0;
  if (row < a.rows)
#pragma unroll 4
    for (int64_t c = lane; c < a.cols; c += 16) {
      const float x = tile::device_float_at(a.x, row * a.cols + c);
      most = greater_magnitude(most, x);
      sum += double(fabsf(x));
    }
#pragma unroll
  for (int half = 8; half > 0; half /= 2) {
    sum += __shfl_down_sync(~0u, sum, half);
    most = max(most, __shfl_down_sync(~0u, most, half));
  }
  if (lane != 0 || row >= a.rows) return;
  const bool nan = most > kFloatInf;
  a.amax[row] = tile::amax_from(most);
  a.sum[row] = nan ? __longlong_as_double(0x7ff8000000000000ll) : sum;
}

}  // namespace

void sm80(const Args& a, const Exec& e) {
  if (a.with_sum) {
    cuda::launch(magnitudes_with_sum, {.grid = unsigned((a.rows + 15) / 16), .block = 256}, e, a);
    return;
  }
  const bool wide = a.x.type == DType::f32, aligned = tile::lanes_are_aligned(a.x, a.cols, nullptr);
  const int64_t pieces = (a.cols + (wide ? 3 : 7)) / (wide ? 4 : 8);
  const cuda::Launch l{.grid = unsigned(a.rows),
                       .block = pieces >= 256 ? 256 : unsigned(pieces + 31) / 32 * 32};
  wide ? cuda::launch(magnitudes_amax<true>, l, e, a, aligned)
       : cuda::launch(magnitudes_amax<false>, l, e, a, aligned);
}

}  // namespace nibble::magnitudes
