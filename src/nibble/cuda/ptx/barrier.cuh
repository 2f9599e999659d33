// Barriers for some warps of a block, by number: 1 to 15, for 0 is __syncthreads(). `threads` are
// all that come, those that only arrive among them; a multiple of 32.
#pragma once
#include <cstdint>

namespace nibble::cuda::ptx {

__device__ __forceinline__ void meet(uint32_t number, uint32_t threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(number), "r"(threads) : "memory");
}
// Comes without waiting for the others.
__device__ __forceinline__ void pass(uint32_t number, uint32_t threads) {
  asm volatile("bar.arrive %0, %1;" ::"r"(number), "r"(threads) : "memory");
}

}  // namespace nibble::cuda::ptx
