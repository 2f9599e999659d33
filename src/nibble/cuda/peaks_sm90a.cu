// Two warpgroups a block, each with 64 rows of a of its own, and 128 rows of b for both: 128 bytes
// along K, which are read again and again.
//
// PTX: wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16, m64n128k32.s32.s8.s8
#include "nibble/cuda/descriptor.h"
#include "nibble/cuda/peak_operands.cuh"
#include "nibble/cuda/ptx/bulk.cuh"
#include "nibble/cuda/ptx/wgmma.cuh"

namespace nibble::cuda {
namespace {

constexpr int kThreads = 256, kN = 128, kWords = 32, kSteps = 4;  // words along K

struct Bf16 {
  using Sum = float;
  static constexpr int k = 16;
  static __device__ uint32_t word(uint32_t w) { return ones_bf16(w); }
  static __device__ void run(float (&d)[kN / 2], uint64_t a, uint64_t b) {
    ptx::wgmma_bf16(d, a, b, true);
  }
};
struct E4m3 {
  using Sum = float;
  static constexpr int k = 32;
  static __device__ uint32_t word(uint32_t w) { return ones_e4m3(w); }
  static __device__ void run(float (&d)[kN / 2], uint64_t a, uint64_t b) {
    ptx::wgmma_e4m3(d, a, b, true);
  }
};
struct S8 {
  using Sum = int32_t;
  static constexpr int k = 32;
  static __device__ uint32_t word(uint32_t w) { return ones_s8(w); }
  static __device__ void run(int32_t (&d)[kN / 2], uint64_t a, uint64_t b) {
    ptx::wgmma_s8(d, a, b, true);
  }
};

template <class Product>
__global__ void __launch_bounds__(kThreads, 1) peak_wgmma(int loops, float* to) {
  __shared__ alignas(1024) uint32_t rows[(2 * 64 + kN) * kWords];
  for (int i = int(threadIdx.x); i < (2 * 64 + kN) * kWords; i += kThreads)
    rows[swizzled(Swizzle::bytes128, uint32_t(4 * i)) / 4] = Product::word(uint32_t(i % kWords));
  ptx::fence_async_proxy();
  __syncthreads();
  const uint32_t begin = ptx::shared_address(rows), group = threadIdx.x / 128;
  const uint64_t a = wgmma_descriptor(Swizzle::bytes128, begin + group * 64 * 4 * kWords, 64);
  const uint64_t b = wgmma_descriptor(Swizzle::bytes128, begin + 2 * 64 * 4 * kWords, kN);
  typename Product::Sum d[kN / 2] = {};
  ptx::keep(d);
  for (int i = 0; i < loops; ++i) {
    ptx::begin_products();
#pragma unroll
    for (int s = 0; s < kSteps; ++s) Product::run(d, a + 2 * s, b + 2 * s);  // 32 bytes on
    ptx::commit_products();
    ptx::wait_for_products<0>();
  }
  ptx::keep(d);
  float sum = 0;
#pragma unroll
  for (auto x : d) sum += float(x);
  to[blockIdx.x * kThreads + threadIdx.x] = sum;
}

template <class Product>
void run(int blocks, int loops, float* to, void* stream) {
  launch(peak_wgmma<Product>, {.grid = unsigned(blocks), .block = kThreads}, {.stream = stream},
         loops, to);
}
template <class Product>
constexpr PeakKernel peak_of(std::string_view name) {
  return {.name = name,
          .needs = Isa::sm90a,
          .threads = kThreads,
          .blocks = 1,
          .macs = 2.0 * 64 * kN * Product::k * kSteps,
          .per_sum = Product::k * kSteps,
          .sums = kN / 2,
          .run = run<Product>};
}
constexpr PeakKernel kKernels[] = {peak_of<Bf16>("wgmma_bf16"), peak_of<E4m3>("wgmma_e4m3"),
                                   peak_of<S8>("wgmma_s8")};

}  // namespace

std::span<const PeakKernel> peaks_sm90a() { return kKernels; }

}  // namespace nibble::cuda
