// Four neighbours a lane, int8 codes in a word, the first one lowest: what kernels do that read 32
// bits an element and write 8.
#pragma once
#include <cstdint>

namespace nibble::cuda::tile {

inline bool is_multiple(const void* p, uintptr_t of) {
  return reinterpret_cast<uintptr_t>(p) % of == 0;
}

// Of `count` bytes from p on, 1 to 4, the rest 0; aligned, there are four. Plain loads: many of
// these arrays are written in place.
__device__ __forceinline__ uint32_t load_four(const int8_t* p, int count, bool aligned) {
  if (aligned) return *reinterpret_cast<const uint32_t*>(p);
  uint32_t four = 0;
#pragma unroll
  for (int k = 0; k < 4; ++k)
    if (k < count) four |= uint32_t(uint8_t(p[k])) << 8 * k;
  return four;
}
__device__ __forceinline__ void store_four(int8_t* p, uint32_t four, int count, bool aligned) {
  if (aligned) {
    *reinterpret_cast<uint32_t*>(p) = four;
    return;
  }
#pragma unroll
  for (int k = 0; k < 4; ++k)
    if (k < count) p[k] = int8_t(four >> 8 * k);
}
__device__ __forceinline__ int byte_of(uint32_t four, int k) { return int8_t(four >> 8 * k); }

// The same of words; what is not there stays.
__device__ __forceinline__ void load_four_words(const void* p, int count, bool aligned,
                                                uint32_t (&words)[4]) {
  if (aligned) {
    const uint4 q = *static_cast<const uint4*>(p);
    words[0] = q.x, words[1] = q.y, words[2] = q.z, words[3] = q.w;
    return;
  }
#pragma unroll
  for (int k = 0; k < 4; ++k)
    if (k < count) words[k] = static_cast<const uint32_t*>(p)[k];
}

__device__ __forceinline__ uint32_t sum_of_magnitudes(uint32_t four) {
  uint32_t sum = 0;
#pragma unroll
  for (int k = 0; k < 4; ++k) sum += uint32_t(abs(byte_of(four, k)));
  return sum;
}
// Over all threads of a block of at most 256, in all of them.
__device__ __forceinline__ uint32_t sum_of_block(uint32_t sum) {
  __shared__ uint32_t of_warp[8];
  sum = __reduce_add_sync(~0u, sum);
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = sum;
  __syncthreads();
  sum = 0;
  for (unsigned w = 0; w < blockDim.x / 32; ++w) sum += of_warp[w];
  return sum;
}

}  // namespace nibble::cuda::tile
