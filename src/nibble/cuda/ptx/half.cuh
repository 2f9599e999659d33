// Arithmetic on pairs of halves, each result rounded once to nearest even; subnormals are kept.
#pragma once
#include <cstdint>

namespace nibble::cuda::ptx {

__device__ __forceinline__ uint32_t fma_f16x2(uint32_t a, uint32_t b, uint32_t c) {
  uint32_t d;
  asm("fma.rn.f16x2 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
}
__device__ __forceinline__ uint32_t mul_f16x2(uint32_t a, uint32_t b) {
  uint32_t d;
  asm("mul.rn.f16x2 %0, %1, %2;" : "=r"(d) : "r"(a), "r"(b));
  return d;
}
// The low half is x. Exact.
__device__ __forceinline__ float2 widen_f16x2(uint32_t h) {
  float2 f;
  asm("{\n.reg .f16 l, h;\nmov.b32 {l, h}, %2;\ncvt.f32.f16 %0, l;\ncvt.f32.f16 %1, h;\n}"
      : "=f"(f.x), "=f"(f.y)
      : "r"(h));
  return f;
}
// To nearest even; every NaN becomes 0x7fff.
__device__ __forceinline__ uint16_t narrow_f16(float x) {
  uint16_t h;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(x));
  return h;
}

}  // namespace nibble::cuda::ptx
