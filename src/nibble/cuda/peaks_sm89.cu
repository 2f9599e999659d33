// PTX: mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32
#include "nibble/cuda/peak_mma.cuh"

namespace nibble::cuda {
namespace {

struct E4m3 {
  using Sum = float;
  static constexpr int k = 32;
  static __device__ uint32_t word(uint32_t w) { return ones_e4m3(w); }
  static __device__ void run(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    ptx::mma_e4m3(d, a, b);
  }
};
constexpr PeakKernel kKernels[] = {peak_of_mma<E4m3>("mma_e4m3", Isa::sm89)};

}  // namespace

std::span<const PeakKernel> peaks_sm89() { return kKernels; }

}  // namespace nibble::cuda
