// Private to this layer: the kernel behind ceilings.h.
#pragma once
#include <cstdint>

namespace nibble::cuda {

// `bytes` is a multiple of 64 KiB.
void read_all(const void* from, int64_t bytes, uint32_t* to, void* stream);

}  // namespace nibble::cuda
