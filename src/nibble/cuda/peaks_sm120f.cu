// PTX: mma.sync.aligned.m16n8k64.row.col.kind::mxf4nvf4.block_scale.scale_vec::4X
#include "nibble/cuda/peak_mma.cuh"

namespace nibble::cuda {
namespace {

constexpr uint32_t kScales = 0x38383838;  // four ones in e4m3

struct Nvfp4 {
  using Sum = float;
  static constexpr int k = 64;
  static __device__ uint32_t word(uint32_t w) { return ones_e2m1(w); }
  static __device__ void run(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    ptx::mma_nvfp4(d, a, b, kScales, kScales);
  }
};
constexpr PeakKernel kKernels[] = {peak_of_mma<Nvfp4>("mma_nvfp4", Isa::sm120f)};

}  // namespace

std::span<const PeakKernel> peaks_sm120f() { return kKernels; }

}  // namespace nibble::cuda
