// Conversions of narrow formats to pairs of halves, all exact.
#pragma once
#include <cstdint>

namespace nibble::cuda::ptx {

// Two e4m3 to two halves, the low byte to the low one. sm_89 and later.
__device__ __forceinline__ uint32_t widen_e4m3x2(uint32_t two) {
  uint32_t h;
  asm("cvt.rn.f16x2.e4m3x2 %0, %1;" : "=r"(h) : "h"(uint16_t(two)));
  return h;
}

// Eight e2m1 to four pairs: byte i holds pair i, its low nibble the low half. sm_100a, sm_120f.
__device__ __forceinline__ void widen_e2m1x8(uint32_t codes, uint32_t (&h)[4]) {
  asm("{\n.reg .b8 b<4>;\n"
      "mov.b32 {b0, b1, b2, b3}, %4;\n"
      "cvt.rn.f16x2.e2m1x2 %0, b0;\n"
      "cvt.rn.f16x2.e2m1x2 %1, b1;\n"
      "cvt.rn.f16x2.e2m1x2 %2, b2;\n"
      "cvt.rn.f16x2.e2m1x2 %3, b3;\n}"
      : "=r"(h[0]), "=r"(h[1]), "=r"(h[2]), "=r"(h[3])
      : "r"(codes));
}

}  // namespace nibble::cuda::ptx
