// Sums over the lanes of a warp in one order: the tree of distances 16, 8, 4, 2, 1.
#pragma once
#include <cstdint>

namespace nibble::cuda::tile {

// N sums at once, N a power of two up to 32. Lane l gets the sum of v[value_of_lane<N>(l)]: at each
// distance a lane hands over one half of its values and keeps the other, which makes the same tree
// as N single sums and takes N + 4 - log2(N) shuffles in place of 5 N.
template <int N>
__device__ __forceinline__ float warp_sum(float (&v)[N], int lane, int distance = 16) {
  static_assert(N >= 1 && N <= 32 && (N & (N - 1)) == 0);
  if constexpr (N > 1) {
    float kept[N / 2];
    const bool upper = (lane & distance) != 0;
#pragma unroll
    for (int i = 0; i < N / 2; ++i) {
      const float mine = upper ? v[i + N / 2] : v[i], theirs = upper ? v[i] : v[i + N / 2];
      kept[i] = mine + __shfl_xor_sync(~0u, theirs, distance);
    }
    return warp_sum(kept, lane, distance / 2);
  } else {
    float sum = v[0];
#pragma unroll
    for (; distance > 0; distance /= 2) sum += __shfl_xor_sync(~0u, sum, distance);
    return sum;
  }
}

// The upper bits of the lane number, as many as there are bits in N - 1.
template <int N>
__device__ __forceinline__ int value_of_lane(int lane) {
  return lane / (32 / N);
}
// One of the lanes that have the sum.
template <int N>
__device__ __forceinline__ bool is_first_of_value(int lane) {
  return lane % (32 / N) == 0;
}

}  // namespace nibble::cuda::tile
