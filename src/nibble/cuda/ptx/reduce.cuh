// Reductions of a warp that the compiler has no intrinsic for.
#pragma once
#include <cstdint>

namespace nibble::cuda::ptx {

// The greatest magnitude; NaN if there is one among them. sm_100a alone.
__device__ __forceinline__ float warp_max_magnitude(float x) {
  float most;
  asm volatile("redux.sync.max.abs.NaN.f32 %0, %1, 0xffffffff;" : "=f"(most) : "f"(x));
  return most;
}

}  // namespace nibble::cuda::ptx
