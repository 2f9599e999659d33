#include "nibble/cuda/launch.cuh"
#include "nibble/ops/residual_norm/kernels.h"

namespace nibble::residual_norm {
namespace {

// Four neighbours of a row, a byte each, the first one lowest.
__device__ __forceinline__ uint32_t load_four(const int8_t* p, bool aligned) {
  if (aligned) return *reinterpret_cast<const uint32_t*>(p);
  uint32_t four = 0;
#pragma unroll
  for (int k = 0; k < 4; ++k) four |= uint32_t(uint8_t(p[k])) << 8 * k;
  return four;
}
__device__ __forceinline__ void store_four(int8_t* p, uint32_t four, bool aligned) {
  if (aligned) {
    *reinterpret_cast<uint32_t*>(p) = four;
    return;
  }
#pragma unroll
  for (int k = 0; k < 4; ++k) p[k] = int8_t(four >> 8 * k);
}
__device__ __forceinline__ int byte_of(uint32_t four, int k) { return int8_t(four >> 8 * k); }

// x' of elements j to j + 3 of the row, stored where there is something to add. Plain loads: x_out
// may be x.
__device__ __forceinline__ uint32_t add_four(const Args& a, int64_t row, int j, bool aligned) {
  const int64_t i = row * a.n + j;
  uint32_t four = load_four(a.x + i, aligned);
  if (!a.acc) return four;
  int32_t more[4];
  if (aligned) {
    const int4 q = *reinterpret_cast<const int4*>(a.acc + i);
    more[0] = q.x, more[1] = q.y, more[2] = q.z, more[3] = q.w;
  } else {
#pragma unroll
    for (int k = 0; k < 4; ++k) more[k] = a.acc[i + k];
  }
  if (a.noise) {
    const uint32_t bits = a.noise[row / a.share * (a.n / 16) + j / 16] >> j % 16;
    const uint32_t step = uint32_t(a.steps ? a.steps[row] : a.step);
#pragma unroll
    for (int k = 0; k < 4; ++k)
      more[k] = int32_t(uint32_t(more[k]) + ((bits >> k & 1) != 0 ? step : 0u - step));
  }
  uint32_t sum = 0;
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    const float codes = fminf(fmaxf(float(more[k]) * a.scale, -254.0f), 254.0f);
    const int x = min(max(byte_of(four, k) + __float2int_rn(codes), -127), 127);
    sum |= uint32_t(uint8_t(x)) << 8 * k;
  }
  store_four(a.x_out + i, sum, aligned);
  return sum;
}

// A block has a row and keeps the codes of 8192 of its elements between the sum and the product;
// those of longer rows it reads again.
__global__ void __launch_bounds__(256, 4) residual_norm_rows(Args a, bool aligned) {
  constexpr int kKept = 8;
  const int64_t row = blockIdx.x;
  const int pieces = a.n / 4, threads = int(blockDim.x), thread = int(threadIdx.x);
  uint32_t kept[kKept];
  uint32_t sum = 0;  // of magnitudes, at most 127 kMaxN
#pragma unroll
  for (int i = 0; i < kKept; ++i)
    if (const int k = thread + i * threads; k < pieces) {
      kept[i] = add_four(a, row, 4 * k, aligned);
#pragma unroll
      for (int b = 0; b < 4; ++b) sum += uint32_t(abs(byte_of(kept[i], b)));
    }
  for (int k = thread + kKept * threads; k < pieces; k += threads) {
    const uint32_t four = add_four(a, row, 4 * k, aligned);
#pragma unroll
    for (int b = 0; b < 4; ++b) sum += uint32_t(abs(byte_of(four, b)));
  }
  if (!a.y) return;
  __shared__ uint32_t of_warp[8];
  sum = __reduce_add_sync(~0u, sum);
  if (thread % 32 == 0) of_warp[thread / 32] = sum;
  __syncthreads();
  sum = 0;
  for (int w = 0; w < threads / 32; ++w) sum += of_warp[w];
  const float factor = (a.mean_code * float(a.n)) / float(max(sum, uint32_t(a.n)));
  const auto norm = [&](int k, uint32_t four) {
    uint32_t codes = 0;
#pragma unroll
    for (int b = 0; b < 4; ++b) {
      const float y = fminf(fmaxf(float(byte_of(four, b)) * factor, -127.0f), 127.0f);
      codes |= uint32_t(uint8_t(__float2int_rn(y))) << 8 * b;
    }
    store_four(a.y + row * a.n + 4 * k, codes, aligned);
  };
#pragma unroll
  for (int i = 0; i < kKept; ++i)
    if (const int k = thread + i * threads; k < pieces) norm(k, kept[i]);
  const int8_t* again = a.acc ? a.x_out : a.x;
  for (int k = thread + kKept * threads; k < pieces; k += threads)
    norm(k, load_four(again + row * a.n + 4 * k, aligned));
}

bool is_multiple(const void* p, uintptr_t of) { return reinterpret_cast<uintptr_t>(p) % of == 0; }

}  // namespace

void sm80(const Args& a, const Exec& e) {
  const bool aligned = is_multiple(a.x, 4) && is_multiple(a.x_out, 4) && is_multiple(a.y, 4) &&
                       is_multiple(a.acc, 16);
  const int pieces = a.n / 4;
  const unsigned threads = pieces >= 256 ? 256 : unsigned(pieces + 31) / 32 * 32;
  cuda::launch(residual_norm_rows, {.grid = unsigned(a.rows), .block = threads}, e, a, aligned);
}

}  // namespace nibble::residual_norm
