// Dot products of four bytes, added to an int32 modulo 2^32.
#pragma once
#include <cstdint>

namespace nibble::cuda::ptx {

__device__ __forceinline__ int32_t dot_s8(uint32_t a, uint32_t b, int32_t c) {
  int32_t d;
  asm("dp4a.s32.s32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
}
// The bytes of a are without sign.
__device__ __forceinline__ int32_t dot_u8s8(uint32_t a, uint32_t b, int32_t c) {
  int32_t d;
  asm("dp4a.u32.s32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
}

}  // namespace nibble::cuda::ptx
