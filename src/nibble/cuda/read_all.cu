// PTX: ld.global.nc.L1::no_allocate.L2::256B.v4.b32
// Reads an array and keeps nothing of it.
#include "nibble/cuda/launch.cuh"
#include "nibble/cuda/ptx/load.cuh"
#include "nibble/cuda/read_all.h"

namespace nibble::cuda {
namespace {

// Eight 16-byte loads of a thread are in flight.
__global__ void __launch_bounds__(512, 2) read_blocks(const uint4* from, uint32_t* to) {
  constexpr int kLoads = 8;
  const uint4* at = from + int64_t(blockIdx.x) * blockDim.x * kLoads + threadIdx.x;
  uint4 v[kLoads];
#pragma unroll
  for (int i = 0; i < kLoads; ++i) v[i] = ptx::load_streamed(at + i * int(blockDim.x));
  uint32_t sum = 0;
#pragma unroll
  for (int i = 0; i < kLoads; ++i) sum ^= v[i].x ^ v[i].y ^ v[i].z ^ v[i].w;
  if (sum == 0x9e3779b9u) *to = sum;  // never, but the compiler cannot know
}

}  // namespace

void read_all(const void* from, int64_t bytes, uint32_t* to, void* stream) {
  constexpr int64_t kBlockBytes = 512 * 8 * 16;
  launch(read_blocks, {.grid = unsigned(bytes / kBlockBytes), .block = 512}, {.stream = stream},
         static_cast<const uint4*>(from), to);
}

}  // namespace nibble::cuda
