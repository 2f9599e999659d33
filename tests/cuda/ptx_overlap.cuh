// Programmatic dependent launch, of sm_90 and later: a kernel that is launched while the one before
// runs sees all that it wrote once it has waited.
#pragma once
#include "nibble/cuda/launch.cuh"
#include "nibble/cuda/ptx/dependency.cuh"
#include "ptx_common.cuh"

namespace ptx_test {

__global__ void first_kernel(uint32_t* to) {
  ptx::release_next();
  to[blockIdx.x * blockDim.x + threadIdx.x] = threadIdx.x * 7;
}
__global__ void second_kernel(const uint32_t* from, uint32_t* to, int count) {
  ptx::wait_for_previous();
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  to[i] = from[count - 1 - i] + 1;
}

inline bool overlap_is_ordered(Tests& t) {
  constexpr int kBlocks = 8, kThreads = 64, kCount = kBlocks * kThreads;
  uint32_t *a = nullptr, *b = nullptr, got[kCount] = {};
  t.check(cudaMalloc(&a, sizeof got)), t.check(cudaMalloc(&b, sizeof got));
  nibble::cuda::launch(first_kernel, {.grid = kBlocks, .block = kThreads}, {}, a);
  nibble::cuda::launch(second_kernel,
                       {.grid = kBlocks, .block = kThreads, .overlaps_previous = true}, {}, a, b,
                       kCount);
  t.check(cudaGetLastError());
  t.check(cudaMemcpy(got, b, sizeof got, cudaMemcpyDeviceToHost));
  t.check(cudaFree(a)), t.check(cudaFree(b));
  for (int i = 0; i < kCount; ++i)
    if (got[i] != uint32_t((kCount - 1 - i) % kThreads * 7 + 1)) return false;
  return true;
}

inline void add_overlap(Tests& t) { t.report("overlap", overlap_is_ordered(t)); }

}  // namespace ptx_test
