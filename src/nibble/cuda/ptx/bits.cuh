// Byte permutation and three-input logic.
#pragma once
#include <cstdint>

namespace nibble::cuda::ptx {

// Four bytes out of {b, a}: nibble i of the selector names byte i of the result; bit 3 of a nibble
// asks for copies of the byte's top bit.
template <uint32_t kSelector>
__device__ __forceinline__ uint32_t permute(uint32_t a, uint32_t b) {
  uint32_t d;
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "n"(kSelector));
  return d;
}

// The truth table of (a & b) | c and the like: replace a, b, c by 0xf0, 0xcc, 0xaa.
template <uint32_t kTable>
__device__ __forceinline__ uint32_t logic(uint32_t a, uint32_t b, uint32_t c) {
  uint32_t d;
  asm("lop3.b32 %0, %1, %2, %3, %4;" : "=r"(d) : "r"(a), "r"(b), "r"(c), "n"(kTable));
  return d;
}

}  // namespace nibble::cuda::ptx
