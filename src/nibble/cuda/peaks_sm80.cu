// PTX: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32, m16n8k32.row.col.s32.s8.s8.s32
#include "nibble/cuda/peak_mma.cuh"

namespace nibble::cuda {
namespace {

struct Bf16 {
  using Sum = float;
  static constexpr int k = 16;
  static __device__ uint32_t word(uint32_t w) { return ones_bf16(w); }
  static __device__ void run(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    ptx::mma_bf16(d, a, b);
  }
};
struct S8 {
  using Sum = int32_t;
  static constexpr int k = 32;
  static __device__ uint32_t word(uint32_t w) { return ones_s8(w); }
  static __device__ void run(int32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    ptx::mma_s8(d, a, b);
  }
};
constexpr PeakKernel kKernels[] = {peak_of_mma<Bf16>("mma_bf16", Isa::sm80),
                                   peak_of_mma<S8>("mma_s8", Isa::sm80)};

}  // namespace

std::span<const PeakKernel> peaks_sm80() { return kKernels; }

}  // namespace nibble::cuda
