// Loads from global memory that nobody writes meanwhile (ld.global.nc), with what the caches are to
// make of them.
#pragma once
#include <cstdint>

namespace nibble::cuda::ptx {

// Read once: not kept in L1, and L2 fetches the 256 bytes around it.
__device__ __forceinline__ uint4 load_streamed(const void* p) {
  uint4 v;
  asm("ld.global.nc.L1::no_allocate.L2::256B.v4.b32 {%0, %1, %2, %3}, [%4];"
      : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
      : "l"(p));
  return v;
}
// Read again soon, by other warps too.
__device__ __forceinline__ uint4 load_kept(const void* p) {
  uint4 v;
  asm("ld.global.nc.L1::evict_last.v4.b32 {%0, %1, %2, %3}, [%4];"
      : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
      : "l"(p));
  return v;
}
__device__ __forceinline__ uint32_t load_kept16(const void* p) {
  uint16_t v;
  asm("ld.global.nc.L1::evict_last.b16 %0, [%1];" : "=h"(v) : "l"(p));
  return v;
}

}  // namespace nibble::cuda::ptx
