// PTX: ld.global.nc.L1::no_allocate.L2::256B.v4.b32, ld.global.nc.L1::evict_last.v4.b32, fma.rn.f32
#include "nibble/cuda/launch.cuh"
#include "nibble/cuda/ptx/load.cuh"
#include "nibble/ops/gemv_bf16/kernels.h"

namespace nibble::gemv_bf16 {
namespace {

constexpr int kRows = 8;    // of a block, a warp each
constexpr int kFlight = 4;  // 16-byte loads of a lane at a time: 64 KiB of a multiprocessor's warps

__device__ __forceinline__ void add(uint32_t w, uint32_t x, float& sum) {
  sum = fmaf(__uint_as_float(w << 16), __uint_as_float(x << 16), sum);
  sum = fmaf(__uint_as_float(w & 0xffff0000u), __uint_as_float(x & 0xffff0000u), sum);
}

// Lanes read 512 neighbouring bytes of their row; x is the same for all rows and stays in L1.
__global__ void __launch_bounds__(32 * kRows, 4) gemv_bf16_rows(Args a) {
  const int lane = int(threadIdx.x);
  const int64_t row = int64_t(blockIdx.x) * kRows + threadIdx.y;
  if (row >= a.n) return;
  const bf16* w = a.w + (int64_t(blockIdx.y) * a.n + row) * a.k;
  const bf16* x = a.x + int64_t(blockIdx.y) * a.k;
  float sum = 0;
  for (int first = lane * kPiece; first < a.k; first += kFlight * kLanes * kPiece) {
    uint4 codes[kFlight] = {};
#pragma unroll
    for (int i = 0; i < kFlight; ++i)
      if (first + i * kLanes * kPiece < a.k)
        codes[i] = cuda::ptx::load_streamed(w + first + i * kLanes * kPiece);
#pragma unroll
    for (int i = 0; i < kFlight; ++i) {
      const int at = first + i * kLanes * kPiece;
      if (at >= a.k) break;
      const uint4 v = cuda::ptx::load_kept(x + at);
      add(codes[i].x, v.x, sum), add(codes[i].y, v.y, sum);
      add(codes[i].z, v.z, sum), add(codes[i].w, v.w, sum);
    }
  }
#pragma unroll
  for (int d = kLanes / 2; d > 0; d /= 2) sum += __shfl_down_sync(~0u, sum, d);
  if (lane == 0)
    a.y[int64_t(blockIdx.y) * a.n + row] = sum != sum ? __uint_as_float(0x7fc00000u) : sum;
}

}  // namespace

void sm80(const Args& a, const Exec& e) {
  cuda::launch(gemv_bf16_rows,
               {.grid = dim3(unsigned((a.n + kRows - 1) / kRows), unsigned(a.batch)),
                .block = dim3(kLanes, kRows)},
               e, a);
}

}  // namespace nibble::gemv_bf16
