// One thread multiplies 128 rows of a by 256 of b into tensor memory: 128 bytes along K, which are
// read again and again.
//
// PTX: tcgen05.mma.cta_group::1.kind::f16, kind::f8f6f4, kind::i8, kind::mxf4nvf4.block_scale
#include "nibble/cuda/descriptor.h"
#include "nibble/cuda/peak_operands.cuh"
#include "nibble/cuda/ptx/bulk.cuh"
#include "nibble/cuda/ptx/mbarrier.cuh"
#include "nibble/cuda/ptx/tcgen05.cuh"

namespace nibble::cuda {
namespace {

constexpr int kThreads = 128, kM = 128, kN = 256, kWords = 32, kSteps = 4;  // words along K
constexpr uint32_t kColumns = 512, kScalesA = 256, kScalesB = 264;          // sums are before them
constexpr size_t kSmem = size_t(kM + kN) * 4 * kWords + 1024;               // begins anywhere

struct Bf16 {
  static constexpr int k = 16;
  static __device__ uint32_t word(uint32_t w) { return ones_bf16(w); }
  static __device__ void run(uint32_t d, uint64_t a, uint64_t b, bool adds) {
    ptx::tcgen05_bf16(d, a, b, tcgen05_instruction(Tcgen05Kind::bf16, kM, kN), adds);
  }
  static __device__ float value(uint32_t bits) { return __uint_as_float(bits); }
};
struct E4m3 : Bf16 {
  static constexpr int k = 32;
  static __device__ uint32_t word(uint32_t w) { return ones_e4m3(w); }
  static __device__ void run(uint32_t d, uint64_t a, uint64_t b, bool adds) {
    ptx::tcgen05_e4m3(d, a, b, tcgen05_instruction(Tcgen05Kind::e4m3, kM, kN), adds);
  }
};
struct S8 {
  static constexpr int k = 32;
  static __device__ uint32_t word(uint32_t w) { return ones_s8(w); }
  static __device__ void run(uint32_t d, uint64_t a, uint64_t b, bool adds) {
    ptx::tcgen05_s8(d, a, b, tcgen05_instruction(Tcgen05Kind::s8, kM, kN), adds);
  }
  static __device__ float value(uint32_t bits) { return float(int32_t(bits)); }
};
struct Nvfp4 : Bf16 {
  static constexpr int k = 64;
  static __device__ uint32_t word(uint32_t w) { return ones_e2m1(w); }
  static __device__ void run(uint32_t d, uint64_t a, uint64_t b, bool adds) {
    ptx::tcgen05_nvfp4(d, a, b, tcgen05_instruction_scaled(false, kN), d + kScalesA, d + kScalesB,
                       adds);
  }
};

constexpr uint32_t kScales = 0x38383838;  // four ones in e4m3

struct Shared {
  alignas(128) uint32_t atom[128];  // of scales, all 1
  uint64_t bar;
  uint32_t columns;
};

template <class Product>
__device__ void multiply(const Shared& s, uint64_t* bar, uint32_t begin, int loops) {
  const uint64_t atom = tcgen05_descriptor(Swizzle::none, ptx::shared_address(s.atom), 32);
  for (uint32_t to : {kScalesA, kScalesB, kScalesB + 4}) ptx::copy_scales(s.columns + to, atom);
  const uint64_t a = tcgen05_descriptor(Swizzle::bytes128, begin, kM);
  const uint64_t b = tcgen05_descriptor(Swizzle::bytes128, begin + kM * 4 * kWords, kN);
  for (int i = 0; i < loops; ++i) {
#pragma unroll
    for (int k = 0; k < kSteps; ++k)
      Product::run(s.columns, a + 2 * k, b + 2 * k, i + k > 0);  // 32 bytes on
  }
  ptx::arrive_with_products(bar);
}

template <class Product>
__global__ void __launch_bounds__(kThreads, 1) peak_tcgen05(int loops, float* to) {
  extern __shared__ uint32_t anywhere[];
  __shared__ Shared s;
  uint32_t* rows = anywhere + (1024 - ptx::shared_address(anywhere) % 1024) % 1024 / 4;
  for (int i = int(threadIdx.x); i < (kM + kN) * kWords; i += kThreads)
    rows[swizzled(Swizzle::bytes128, uint32_t(4 * i)) / 4] = Product::word(uint32_t(i % kWords));
  s.atom[threadIdx.x] = kScales;
  if (threadIdx.x < 32) ptx::allocate_columns(&s.columns, kColumns), ptx::end_allocation();
  if (threadIdx.x == 0) ptx::init_mbarrier(&s.bar, 1), ptx::fence_mbarriers();
  ptx::fence_async_proxy(), ptx::before_barrier();
  __syncthreads();
  ptx::after_barrier();
  if (threadIdx.x == 0) multiply<Product>(s, &s.bar, ptx::shared_address(rows), loops);
  ptx::wait(&s.bar, 0);
  ptx::after_barrier();
  float sum = 0;
  for (uint32_t n = 0; n < kN; n += 8) {
    uint32_t v[8];
    ptx::load_columns(v, s.columns + (threadIdx.x / 32 << 21) + n), ptx::wait_for_loads();
    for (uint32_t x : v) sum += Product::value(x);
  }
  to[blockIdx.x * kThreads + threadIdx.x] = sum;
  ptx::before_barrier();
  __syncthreads();
  if (threadIdx.x < 32) ptx::release_columns(s.columns, kColumns);
}

template <class Product>
void run(int blocks, int loops, float* to, void* stream) {
  launch(peak_tcgen05<Product>, {.grid = unsigned(blocks), .block = kThreads, .smem_bytes = kSmem},
         {.stream = stream}, loops, to);
}
template <class Product>
constexpr PeakKernel peak_of(std::string_view name) {
  return {.name = name,
          .needs = Isa::sm100a,
          .threads = kThreads,
          .blocks = 1,
          .macs = 1.0 * kM * kN * Product::k * kSteps,
          .per_sum = Product::k * kSteps,
          .sums = kN,
          .run = run<Product>};
}
constexpr PeakKernel kKernels[] = {peak_of<Bf16>("tcgen05_bf16"), peak_of<E4m3>("tcgen05_e4m3"),
                                   peak_of<S8>("tcgen05_s8"), peak_of<Nvfp4>("tcgen05_nvfp4")};

}  // namespace

std::span<const PeakKernel> peaks_sm100a() { return kKernels; }

}  // namespace nibble::cuda
