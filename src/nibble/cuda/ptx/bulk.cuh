// Copies in bulk that one thread asks for and nobody computes addresses of (cp.async.bulk):
// multiples of 16 bytes between addresses that are multiples of 16. sm_90 and later.
//
// They go through a proxy of their own: it sees ordinary stores to shared memory only after
// fence_async_proxy(). Loads complete bytes of an mbarrier; stores are in groups of the thread.
#pragma once
#include "nibble/cuda/ptx/shared.cuh"

namespace nibble::cuda::ptx {

__device__ __forceinline__ void fence_async_proxy() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}
__device__ __forceinline__ void bulk_load(void* to, const void* from, uint32_t bytes,
                                          uint64_t* bar) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::
          "r"(shared_address(to)),
      "l"(from), "r"(bytes), "r"(shared_address(bar))
      : "memory");
}
// `policy` of policy.cuh.
__device__ __forceinline__ void bulk_load_hinted(void* to, const void* from, uint32_t bytes,
                                                 uint64_t* bar, uint64_t policy) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], "
      "[%1], %2, [%3], %4;" ::"r"(shared_address(to)),
      "l"(from), "r"(bytes), "r"(shared_address(bar)), "l"(policy)
      : "memory");
}
// To the same place in every block of the cluster that `blocks` has a bit for, and to the mbarrier
// that lies there.
__device__ __forceinline__ void bulk_load_multicast(void* to, const void* from, uint32_t bytes,
                                                    uint64_t* bar, uint16_t blocks) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], "
      "[%1], %2, [%3], %4;" ::"r"(shared_address(to)),
      "l"(from), "r"(bytes), "r"(shared_address(bar)), "h"(blocks)
      : "memory");
}
__device__ __forceinline__ void bulk_store(void* to, const void* from, uint32_t bytes) {
  asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], %2;" ::"l"(to),
               "r"(shared_address(from)), "r"(bytes)
               : "memory");
}
__device__ __forceinline__ void commit_bulk() {
  asm volatile("cp.async.bulk.commit_group;" ::: "memory");
}
// Until all but the last kOpen groups are written.
template <int kOpen>
__device__ __forceinline__ void wait_for_bulk() {
  asm volatile("cp.async.bulk.wait_group %0;" ::"n"(kOpen) : "memory");
}
// Until their sources may be overwritten.
template <int kOpen>
__device__ __forceinline__ void wait_for_bulk_reads() {
  asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(kOpen) : "memory");
}

}  // namespace nibble::cuda::ptx
