// Arithmetic on floats that C++ has no operator for.
#pragma once

namespace nibble::cuda::ptx {

// The greater of two; NaN (0x7fffffff) if one of them is. fmaxf() would give the other one.
__device__ __forceinline__ float max_or_nan(float a, float b) {
  float d;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(d) : "f"(a), "f"(b));
  return d;
}

}  // namespace nibble::cuda::ptx
