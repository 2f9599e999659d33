// Shared memory as instructions name it: by 32 bits that count from its own beginning.
#pragma once
#include <cstdint>

namespace nibble::cuda::ptx {

__device__ __forceinline__ uint32_t shared_address(const void* p) {
  return uint32_t(__cvta_generic_to_shared(p));
}

}  // namespace nibble::cuda::ptx
