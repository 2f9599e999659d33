// Copies that several blocks of a cluster receive: sm_90a and sm_100a.
#pragma once
#include "ptx_async.cuh"

namespace ptx_test {

// Each block of a cluster sends its quarter to all.
struct Multicast {
  static constexpr const char* name = "bulk_load_multicast";
  static constexpr int threads = 64, blocks = 8, cluster = 4;
  static constexpr int in_words = blocks * 64, out_words = blocks * 4 * 64;
  static void fill(nibble::Random& random, uint32_t* in) {
    RandomWords::fill_words<in_words>(random, in);
  }
  static __device__ void got(const uint32_t* in, uint32_t* out) {
    __shared__ alignas(16) uint32_t all[4 * 64];
    __shared__ uint64_t bar;
    if (threadIdx.x == 0) ptx::init_mbarrier(&bar, 1), ptx::fence_mbarriers();
    ptx::arrive_at_cluster(), ptx::wait_for_cluster();
    if (threadIdx.x == 0) {
      ptx::arrive_expecting(&bar, sizeof all);
      ptx::bulk_load_multicast(all + 64 * ptx::cluster_rank(), in + blockIdx.x * 64, 256, &bar,
                               0xf);
    }
    ptx::wait(&bar, 0);
    for (uint32_t i = threadIdx.x; i < 256; i += 64) out[blockIdx.x * 256 + i] = all[i];
    ptx::arrive_at_cluster(), ptx::wait_for_cluster();
  }
  static void want(const uint32_t* in, uint32_t* out) {
    for (int i = 0; i < out_words; ++i) out[i] = in[i / 1024 * 256 + i % 256];
  }
};

// Each block of a pair loads half a box and sends it to both.
__global__ void __launch_bounds__(32, 1)
    share_box(const __grid_constant__ CUtensorMap map, uint32_t* seen) {
  __shared__ alignas(1024) uint32_t words[2][128];
  __shared__ uint64_t bar;
  const uint32_t rank = ptx::cluster_rank();
  if (threadIdx.x == 0) ptx::init_mbarrier(&bar, 1), ptx::fence_mbarriers();
  ptx::arrive_at_cluster(), ptx::wait_for_cluster();
  if (threadIdx.x == 0) {
    ptx::arrive_expecting(&bar, sizeof words);
    ptx::tensor_load_multicast(words[rank], &map, 64, 4 * int(rank), &bar, 3);
  }
  ptx::wait(&bar, 0);
  for (uint32_t i = threadIdx.x; i < 256; i += 32)
    seen[blockIdx.x * 256 + i] = words[i / 128][i % 128];
  ptx::arrive_at_cluster(), ptx::wait_for_cluster();
}
inline void add_shared_box(Tests& t) {
  const Box b{nibble::cuda::Swizzle::none, 128, 4, 0, 0};
  const Image from(t, kImageRows);
  std::vector<uint8_t> image(from.bytes());
  nibble::Random random(8);
  for (uint8_t& byte : image) byte = uint8_t(random.next32());
  std::vector<uint32_t> got(512), want(512);
  uint32_t* seen = nullptr;
  t.check(cudaMalloc(&seen, 2048));
  t.check(cudaMemcpy(from.data(), image.data(), image.size(), cudaMemcpyHostToDevice));
  nibble::cuda::launch(share_box, {.grid = 2, .block = 32, .cluster = 2}, {}, from.map(t, b), seen);
  t.check(cudaGetLastError());
  t.check(cudaMemcpy(got.data(), seen, 2048, cudaMemcpyDeviceToHost));
  t.check(cudaFree(seen));
  for (int block = 0; block < 2; ++block)
    for (int r = 0; r < 8; ++r)
      std::memcpy(want.data() + block * 256 + r * 32, image.data() + r * kImageWidth + 64, 128);
  t.judge("tensor_load_multicast", got, want);
}

inline void add_multicast(Tests& t) {
  t.add_together<Multicast>();
  add_shared_box(t);
}

}  // namespace ptx_test
