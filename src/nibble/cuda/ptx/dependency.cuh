// Programmatic dependent launch: a kernel launched with Launch::overlaps_previous begins when every
// block of the one before has called release_next() or exited. sm_90 and later.
#pragma once

namespace nibble::cuda::ptx {

// Until the kernel before has ended and its writes can be seen.
__device__ __forceinline__ void wait_for_previous() {
  asm volatile("griddepcontrol.wait;" ::: "memory");
}
__device__ __forceinline__ void release_next() {
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
}

}  // namespace nibble::cuda::ptx
