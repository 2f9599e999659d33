// Copies of a thread from global to shared memory that go on while it computes (cp.async). Copies
// issued since the last commit are one group; others see the bytes after a wait and a barrier.
#pragma once
#include "nibble/cuda/ptx/shared.cuh"

namespace nibble::cuda::ptx {

// 16 bytes past L1, both addresses multiples of 16.
__device__ __forceinline__ void copy16(void* to, const void* from) {
  asm volatile("cp.async.cg.shared.global.L2::256B [%0], [%1], 16;" ::"r"(shared_address(to)),
               "l"(from)
               : "memory");
}
// The first `bytes` of 16, zeros after them.
__device__ __forceinline__ void copy16_padded(void* to, const void* from, int bytes) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from),
               "r"(bytes)
               : "memory");
}
__device__ __forceinline__ void commit_copies() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
// Until at most kOpen groups of this thread, the last ones, are not there.
template <int kOpen>
__device__ __forceinline__ void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kOpen) : "memory");
}

}  // namespace nibble::cuda::ptx
