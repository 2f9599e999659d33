// Twice the values of e2m1 codes as bytes, looked up four at a time by permutations: what dot
// products of bytes take where nothing converts e2m1.
//
// A permutation looks up eight bytes and gives copies of the byte's top bit for codes with the
// sign, so each sign has a table of its own, indexed by codes without it. `codes` are the lower
// four nibbles of a word, `flipped` the same with their signs changed.
#pragma once
#include "nibble/cuda/ptx/look_up.cuh"

namespace nibble::cuda::tile {

// {0, 1, 2, 3, 4, 6, 8, 12} for codes without the sign, 0 for those with it.
__device__ __forceinline__ uint32_t twice_positive(uint32_t codes) {
  return ptx::look_up(0x03020100u, 0x0c080604u, codes);
}
// 140 more than twice the value. Both tables have their top bits set, each gives ones where the
// other one's codes are, and their AND is the byte that is meant.
inline constexpr int kTwiceOffset = 140;
__device__ __forceinline__ uint32_t twice_lifted(uint32_t codes, uint32_t flipped) {
  return ptx::look_up(0x8f8e8d8cu, 0x98949290u, codes) &
         ptx::look_up(0x898a8b8cu, 0x80848688u, flipped);
}
// As signed bytes: 128 + positive - negative are without borrows, and 128 is their top bit.
__device__ __forceinline__ uint32_t twice_signed(uint32_t codes, uint32_t flipped) {
  return ((twice_positive(codes) | 0x80808080u) - twice_positive(flipped)) ^ 0x80808080u;
}

}  // namespace nibble::cuda::tile
