// mma.sync in a loop: eight warps with eight tiles of d each, whose products do not wait for one
// another.
#pragma once
#include "nibble/cuda/peak_operands.cuh"
#include "nibble/cuda/ptx/mma.cuh"

namespace nibble::cuda {

inline constexpr int kPeakTiles = 8, kPeakWarps = 8;

// Product: Sum, word(w) of 8 words along K, run(d, a, b).
template <class Product>
__global__ void __launch_bounds__(32 * kPeakWarps, 2) peak_mma(int loops, float* to) {
  uint32_t a[2][4], b[kPeakTiles / 2][2];
  const uint32_t t = threadIdx.x % 4;
#pragma unroll
  for (int r = 0; r < 4; ++r) a[0][r] = a[1][r] = Product::word(t + 4 * (r / 2));
#pragma unroll
  for (int i = 0; i < kPeakTiles / 2; ++i)
#pragma unroll
    for (int r = 0; r < 2; ++r) b[i][r] = Product::word(t + 4 * r);
  typename Product::Sum d[kPeakTiles][4] = {};
  for (int i = 0; i < loops; ++i)
#pragma unroll
    for (int n = 0; n < kPeakTiles; ++n) Product::run(d[n], a[n % 2], b[n / 2]);
  float sum = 0;
#pragma unroll
  for (int n = 0; n < kPeakTiles; ++n)
#pragma unroll
    for (int e = 0; e < 4; ++e) sum += float(d[n][e]);
  to[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

template <class Product>
void run_peak_mma(int blocks, int loops, float* to, void* stream) {
  launch(peak_mma<Product>, {.grid = unsigned(blocks), .block = 32 * kPeakWarps},
         {.stream = stream}, loops, to);
}
template <class Product>
constexpr PeakKernel peak_of_mma(std::string_view name, IsaSet needs) {
  return {.name = name,
          .needs = needs,
          .threads = 32 * kPeakWarps,
          .blocks = 2,
          .macs = 16.0 * 8 * Product::k * kPeakTiles * kPeakWarps,
          .per_sum = Product::k,
          .sums = 4 * kPeakTiles,
          .run = run_peak_mma<Product>};
}

}  // namespace nibble::cuda
