// Conversions of pairs of floats to narrow formats: to nearest, ties to even, saturated. The low
// byte or nibble is `low`. A NaN becomes 0x7f (e4m3, e5m2) or 7 (e2m1).
#pragma once
#include <cstdint>

namespace nibble::cuda::ptx {

// sm_89 and later.
__device__ __forceinline__ uint32_t narrow_e4m3x2(float low, float high) {
  uint16_t two;
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %2, %1;" : "=h"(two) : "f"(low), "f"(high));
  return two;
}
__device__ __forceinline__ uint32_t narrow_e5m2x2(float low, float high) {
  uint16_t two;
  asm("cvt.rn.satfinite.e5m2x2.f32 %0, %2, %1;" : "=h"(two) : "f"(low), "f"(high));
  return two;
}
// sm_100a, sm_120f.
__device__ __forceinline__ uint32_t narrow_e2m1x2(float low, float high) {
  uint32_t two;
  asm("{\n.reg .b8 b;\ncvt.rn.satfinite.e2m1x2.f32 b, %2, %1;\n"
      "cvt.u32.u8 %0, b;\n}"
      : "=r"(two)
      : "f"(low), "f"(high));
  return two;
}
// Eight at once, the first one lowest: the bytes need not be put together one by one.
__device__ __forceinline__ uint32_t narrow_e2m1x8(const float (&x)[8]) {
  uint32_t eight;
  asm("{\n.reg .b8 b<4>;\n"
      "cvt.rn.satfinite.e2m1x2.f32 b0, %2, %1;\n"
      "cvt.rn.satfinite.e2m1x2.f32 b1, %4, %3;\n"
      "cvt.rn.satfinite.e2m1x2.f32 b2, %6, %5;\n"
      "cvt.rn.satfinite.e2m1x2.f32 b3, %8, %7;\n"
      "mov.b32 %0, {b0, b1, b2, b3};\n}"
      : "=r"(eight)
      : "f"(x[0]), "f"(x[1]), "f"(x[2]), "f"(x[3]), "f"(x[4]), "f"(x[5]), "f"(x[6]), "f"(x[7]));
  return eight;
}

}  // namespace nibble::cuda::ptx
