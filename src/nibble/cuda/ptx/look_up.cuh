// A table of eight bytes, four looked up at a time.
#pragma once
#include <cstdint>

namespace nibble::cuda::ptx {

// By the four low nibbles of `codes`: byte i of the result is table[n & 7], the table being {low,
// high}, or eight copies of that byte's top bit where n has bit 3.
__device__ __forceinline__ uint32_t look_up(uint32_t low, uint32_t high, uint32_t codes) {
  uint32_t d;
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(d) : "r"(low), "r"(high), "r"(codes));
  return d;
}

}  // namespace nibble::cuda::ptx
