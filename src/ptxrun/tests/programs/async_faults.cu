// One planted fault per name, of the asynchronous kinds.
#include <map>
#include <string>

#include "check.h"
#include "ptx.cuh"

__global__ void no_mbarrier(int* x) {
  __shared__ uint64_t bar;
  mbarrier_arrive(&bar);  // init is missing
  x[threadIdx.x] = 0;
}
__global__ void init_without_barrier(int* x) {
  __shared__ uint64_t bar;
  if (threadIdx.x == 0) mbarrier_init(&bar, 64);
  mbarrier_arrive(&bar);  // __syncthreads is missing
  x[threadIdx.x] = 0;
}
__global__ void too_many_arrivals(int* x) {
  __shared__ uint64_t bar;
  if (threadIdx.x == 0) mbarrier_init(&bar, 100), mbarrier_expect(&bar, 16);
  __syncthreads();
  for (int i = 0; i < 4; ++i) mbarrier_arrive(&bar);  // one each is expected
  x[threadIdx.x] = 0;
}
__global__ void overwritten(int* x) {
  __shared__ uint64_t bar[2];
  if (threadIdx.x == 0) mbarrier_init(&bar[0], 1);
  __syncthreads();
  if (threadIdx.x == 0) *reinterpret_cast<volatile int*>(bar) = x[0];  // hits bar[0]
  __syncthreads();
  if (threadIdx.x == 0) mbarrier_arrive(&bar[0]);
}
__global__ void expects_too_much(int* x) {
  __shared__ alignas(16) int s[32];
  __shared__ uint64_t bar;
  if (threadIdx.x == 0) mbarrier_init(&bar, 1), fence_mbarrier_init();
  __syncthreads();
  if (threadIdx.x == 0)
    mbarrier_expect(&bar, 256), bulk_load(s, x, 128, &bar);  // half the bytes come
  mbarrier_wait(&bar, 0);
  x[threadIdx.x] = s[threadIdx.x % 32];
}
__global__ void wrong_parity(int* x) {
  __shared__ alignas(16) int s[32];
  __shared__ uint64_t bar;
  if (threadIdx.x == 0) mbarrier_init(&bar, 1), fence_mbarrier_init();
  __syncthreads();
  if (threadIdx.x == 0) mbarrier_expect(&bar, 128), bulk_load(s, x, 128, &bar);
  mbarrier_wait(&bar, 1);  // the phase before the first
  x[threadIdx.x] = s[threadIdx.x % 32];
}
__global__ void does_not_wait(int* x) {
  __shared__ alignas(16) int s[32];
  __shared__ uint64_t bar;
  if (threadIdx.x == 0) mbarrier_init(&bar, 1), fence_mbarrier_init();
  __syncthreads();
  if (threadIdx.x == 0) mbarrier_expect(&bar, 128), bulk_load(s, x, 128, &bar);
  __syncthreads();
  x[64 + threadIdx.x] = s[threadIdx.x % 32];
}
__global__ void no_proxy_fence(int* x) {
  __shared__ alignas(16) int s[64];
  s[threadIdx.x] = threadIdx.x;
  __syncthreads();  // fence.proxy.async is missing
  if (threadIdx.x == 0) bulk_store(x, s, 256), bulk_commit(), bulk_wait();
}
__global__ void reuses_source(int* x) {
  __shared__ alignas(16) int s[64];
  s[threadIdx.x] = threadIdx.x;
  fence_proxy();
  __syncthreads();
  if (threadIdx.x == 0) bulk_store(x, s, 256), bulk_commit();
  __syncthreads();
  s[threadIdx.x] = 7;  // the copy may still read: wait_group.read is missing
  if (threadIdx.x == 0) bulk_wait();
}
__global__ void refills_too_soon(int* x) {
  __shared__ alignas(16) int s[64];
  __shared__ uint64_t bar;
  if (threadIdx.x == 0) mbarrier_init(&bar, 1), fence_mbarrier_init();
  __syncthreads();
  int sum = 0;
  for (int k = 0; k < 2; ++k) {
    // the others may still read: an empty barrier is missing
    if (threadIdx.x == 0) mbarrier_expect(&bar, 256), bulk_load(s, x + 64 * k, 256, &bar);
    mbarrier_wait(&bar, k);
    sum += s[63 - threadIdx.x];
  }
  x[128 + threadIdx.x] = sum;
}
__global__ void leaves_copies(int* x) {
  __shared__ alignas(16) int s[64];
  s[threadIdx.x] = threadIdx.x;
  fence_proxy();
  __syncthreads();
  if (threadIdx.x == 0) bulk_store(x, s, 256), bulk_commit();  // and the block ends
}
__global__ void odd_size(int* x) {
  __shared__ alignas(16) int s[64];
  s[threadIdx.x] = threadIdx.x;
  fence_proxy();
  __syncthreads();
  if (threadIdx.x == 0) bulk_store(x, s, 100), bulk_commit(), bulk_wait();
}
__global__ void past_the_end(int* x) {
  __shared__ alignas(16) int s[64];
  __shared__ uint64_t bar;
  if (threadIdx.x == 0) mbarrier_init(&bar, 1), fence_mbarrier_init();
  __syncthreads();
  if (threadIdx.x == 0) mbarrier_expect(&bar, 256), bulk_load(s, x + 1000, 256, &bar);
  mbarrier_wait(&bar, 0);
}
__global__ void __cluster_dims__(2) exited_peer(int* x) {
  __shared__ int s;
  s = 1;
  cluster_sync();
  if (cluster_rank() == 1) return;  // a cluster barrier at the end is missing
  x[threadIdx.x] = peer_load(&s, 1);
}
__global__ void __cluster_dims__(2) peer_too_soon(int* x) {
  __shared__ int s[32];
  s[threadIdx.x] = threadIdx.x;
  __syncthreads();  // orders this block alone
  x[threadIdx.x] = peer_load(&s[threadIdx.x], cluster_rank() ^ 1);
  cluster_sync();
}
__global__ void __cluster_dims__(2) waits_for_peer(int* x) {
  __shared__ uint64_t bar;
  if (threadIdx.x == 0) mbarrier_init(&bar, 2), fence_mbarrier_init();
  cluster_sync();
  if (threadIdx.x == 0) mbarrier_arrive(&bar);  // the peer does not arrive here
  mbarrier_wait(&bar, 0);
  x[threadIdx.x] = 1;
  cluster_sync();
}
__global__ void __cluster_dims__(2) waits_without_arrival(int* x) {
  cluster_wait();
  x[threadIdx.x] = 1;
}
__global__ void __cluster_dims__(2) no_such_block(int* x) {
  __shared__ int s;
  s = 1;
  cluster_sync();
  x[threadIdx.x] = peer_load(&s, 2);
}
__global__ void not_a_map(int* x) {
  __shared__ alignas(128) int s[64];
  __shared__ uint64_t bar;
  if (threadIdx.x == 0) mbarrier_init(&bar, 1), fence_mbarrier_init();
  __syncthreads();
  if (threadIdx.x == 0) tensor_load(s, reinterpret_cast<const CUtensorMap*>(x), 0, 0, &bar);
}

int main(int, char** argv) {
  Device<int> x(std::vector<int>(1024, 1));
  const std::map<std::string, void (*)(int*)> all = {
      {"no_mbarrier", no_mbarrier},
      {"init_without_barrier", init_without_barrier},
      {"too_many_arrivals", too_many_arrivals},
      {"overwritten", overwritten},
      {"expects_too_much", expects_too_much},
      {"wrong_parity", wrong_parity},
      {"does_not_wait", does_not_wait},
      {"no_proxy_fence", no_proxy_fence},
      {"reuses_source", reuses_source},
      {"refills_too_soon", refills_too_soon},
      {"leaves_copies", leaves_copies},
      {"odd_size", odd_size},
      {"past_the_end", past_the_end},
      {"exited_peer", exited_peer},
      {"peer_too_soon", peer_too_soon},
      {"waits_for_peer", waits_for_peer},
      {"waits_without_arrival", waits_without_arrival},
      {"no_such_block", no_such_block},
      {"not_a_map", not_a_map}};
  const auto it = all.find(argv[1]);
  if (it == all.end()) return std::printf("there is no fault %s\n", argv[1]), 2;
  it->second<<<it->first.find("exited") == 0 || it->first.find("peer") != it->first.npos ||
                       it->first.find("without_arr") != it->first.npos ||
                       it->first == "no_such_block"
                   ? 2
                   : 1,
               it->first == "peer_too_soon" ? 32 : 64>>>(x.p);
  std::printf("saw: %s\n", cudaGetErrorName(cudaDeviceSynchronize()));
}
