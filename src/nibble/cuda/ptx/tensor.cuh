// Boxes of tensors between global and shared memory, as a tensor map (cuda/tensor_map.cuh) tells
// where and in what swizzle; what lies outside the tensor is read as zero and not written. The
// first coordinate is the one whose neighbours are neighbours in memory. sm_90 and later.
//
// Proxy, mbarrier and groups are as in bulk.cuh. `map` is a __grid_constant__ parameter or global
// memory.
#pragma once
#include "nibble/cuda/ptx/shared.cuh"

namespace nibble::cuda::ptx {

__device__ __forceinline__ void prefetch_map(const void* map) {
  asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory");
}
__device__ __forceinline__ void tensor_load(void* to, const void* map, int x, uint64_t* bar) {
  asm volatile(
      "cp.async.bulk.tensor.1d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], "
      "[%1, {%2}], [%3];" ::"r"(shared_address(to)),
      "l"(map), "r"(x), "r"(shared_address(bar))
      : "memory");
}
__device__ __forceinline__ void tensor_load(void* to, const void* map, int x, int y,
                                            uint64_t* bar) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], "
      "[%1, {%2, %3}], [%4];" ::"r"(shared_address(to)),
      "l"(map), "r"(x), "r"(y), "r"(shared_address(bar))
      : "memory");
}
// To the same place in every block of the cluster that `blocks` has a bit for.
__device__ __forceinline__ void tensor_load_multicast(void* to, const void* map, int x, int y,
                                                      uint64_t* bar, uint16_t blocks) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes"
      ".multicast::cluster [%0], [%1, {%2, %3}], [%4], %5;" ::"r"(shared_address(to)),
      "l"(map), "r"(x), "r"(y), "r"(shared_address(bar)), "h"(blocks)
      : "memory");
}
__device__ __forceinline__ void tensor_store(const void* map, int x, const void* from) {
  asm volatile(
      "cp.async.bulk.tensor.1d.global.shared::cta.tile.bulk_group [%0, {%1}], [%2];" ::"l"(map),
      "r"(x), "r"(shared_address(from))
      : "memory");
}
__device__ __forceinline__ void tensor_store(const void* map, int x, int y, const void* from) {
  asm volatile(
      "cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%0, {%1, %2}], [%3];" ::"l"(map),
      "r"(x), "r"(y), "r"(shared_address(from))
      : "memory");
}

}  // namespace nibble::cuda::ptx
