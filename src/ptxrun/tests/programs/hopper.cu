// Clusters, mbarriers, copies in bulk and of tensors: right results under every schedule.
#include <cooperative_groups.h>

#include "check.h"
#include "ptx.cuh"

namespace cg = cooperative_groups;

// Every block sends its number around the ring, through cooperative groups and by instructions.
__global__ void ring(int* out) {
  __shared__ int mine, sum;
  cg::cluster_group cluster = cg::this_cluster();
  if (threadIdx.x == 0) mine = int(blockIdx.x) * 10 + 1, sum = 0;
  cluster.sync();
  const unsigned next = (cluster.block_rank() + 1) % cluster.num_blocks();
  if (threadIdx.x == 0) {
    out[3 * blockIdx.x] = *cluster.map_shared_rank(&mine, next);
    out[3 * blockIdx.x + 1] = peer_load(&mine, (next + 1) % cluster.num_blocks());
  }
  atomicAdd(cluster.map_shared_rank(&sum, next), 1);
  cluster.sync();
  if (threadIdx.x == 0) out[3 * blockIdx.x + 2] = sum;
}
__global__ void __cluster_dims__(2, 2) shaped(int* out) {
  uint32_t x, y, rank, count;
  asm volatile("mov.u32 %0, %%cluster_ctaid.x;\nmov.u32 %1, %%cluster_ctaid.y;" : "=r"(x), "=r"(y));
  asm volatile("mov.u32 %0, %%cluster_ctarank;\nmov.u32 %1, %%cluster_nctarank;"
               : "=r"(rank), "=r"(count));
  out[blockIdx.y * gridDim.x + blockIdx.x] = int(x + 10 * y + 100 * rank + 1000 * count);
}
int test_clusters() {
  Device<int> out(24), shape(16);
  cudaLaunchConfig_t c = {};
  c.gridDim = 8, c.blockDim = 64;
  cudaLaunchAttribute a;
  a.id = cudaLaunchAttributeClusterDimension;
  a.val.clusterDim.x = 4, a.val.clusterDim.y = a.val.clusterDim.z = 1;
  c.attrs = &a, c.numAttrs = 1;
  CHECK(cudaLaunchKernelEx(&c, ring, out.p));
  shaped<<<dim3(4, 4), 32>>>(shape.p);
  bool good = true;
  const auto h = out.host(), s = shape.host();
  for (int b = 0; b < 8; ++b) {
    const int base = b / 4 * 4;
    good &= h[3 * b] == (base + (b + 1) % 4) * 10 + 1 &&
            h[3 * b + 1] == (base + (b + 2) % 4) * 10 + 1 && h[3 * b + 2] == 64;
  }
  for (int y = 0; y < 4; ++y)
    for (int x = 0; x < 4; ++x)
      good &= s[4 * y + x] == x % 2 + 10 * (y % 2) + 100 * (x % 2 + y % 2 * 2) + 4000;
  return verdict("clusters", good);
}

// One warp fills a ring of stages, the others use them up: x[i] * 2 + stage sums.
constexpr int kStages = 3, kChunk = 256, kChunks = 10;
__global__ void pipeline(const int* x, int* y) {
  __shared__ alignas(128) int stage[kStages][kChunk];
  __shared__ alignas(128) int result[kChunk];
  __shared__ uint64_t full[kStages], empty[kStages];
  if (threadIdx.x == 0) {
    for (int s = 0; s < kStages; ++s) mbarrier_init(&full[s], 1), mbarrier_init(&empty[s], 64);
    fence_mbarrier_init();
  }
  __syncthreads();
  if (threadIdx.x >= 64) {
    if (threadIdx.x == 64)
      for (int k = 0; k < kChunks; ++k) {
        const int s = k % kStages;
        if (k >= kStages) mbarrier_wait(&empty[s], (k / kStages - 1) & 1);
        mbarrier_expect(&full[s], sizeof stage[s]);
        bulk_load(stage[s], x + k * kChunk, sizeof stage[s] / 2, &full[s]);
        bulk_load(&stage[s][kChunk / 2], x + k * kChunk + kChunk / 2, sizeof stage[s] / 2,
                  &full[s]);
      }
    return;
  }
  for (int k = 0; k < kChunks; ++k) {
    const int s = k % kStages;
    mbarrier_wait(&full[s], k / kStages & 1);
    int v[4];
    for (int i = 0; i < 4; ++i) v[i] = stage[s][threadIdx.x + 64 * i] * 2 + k;
    mbarrier_arrive(&empty[s]);
    if (k > 0 && threadIdx.x == 0) bulk_wait_read();
    asm volatile("bar.sync 1, 64;" ::: "memory");
    for (int i = 0; i < 4; ++i) result[threadIdx.x + 64 * i] = v[i];
    fence_proxy();
    asm volatile("bar.sync 1, 64;" ::: "memory");
    if (threadIdx.x == 0) bulk_store(y + k * kChunk, result, sizeof result), bulk_commit();
  }
  if (threadIdx.x == 0) bulk_wait();
}
int test_pipeline() {
  std::vector<int> x(kChunk * kChunks), expected(x.size());
  for (size_t i = 0; i < x.size(); ++i) x[i] = int(i * 7), expected[i] = x[i] * 2 + int(i / kChunk);
  Device<int> in(x), out(x.size());
  pipeline<<<1, 96>>>(in.p, out.p);
  return verdict("pipeline", out.host() == expected);
}

// Sums into global memory, without an order between the blocks.
__global__ void reduce(int* sums) {
  __shared__ alignas(16) int part[64];
  part[threadIdx.x] = int(threadIdx.x * (blockIdx.x + 1));
  fence_proxy();
  __syncthreads();
  if (threadIdx.x == 0) {
    asm volatile(
        "cp.reduce.async.bulk.global.shared::cta.bulk_group.add.s32 [%0], [%1], 256;" ::"l"(sums),
        "r"(shared_address(part))
        : "memory");
    bulk_commit(), bulk_wait();
  }
}
int test_reduce() {
  Device<int> sums(std::vector<int>(64, 5));
  reduce<<<6, 64>>>(sums.p);
  const auto h = sums.host();
  bool good = true;
  for (int i = 0; i < 64; ++i) good &= h[size_t(i)] == 5 + 21 * i;
  return verdict("bulk reduction", good);
}

// A box of a matrix of halves into shared memory, as its bytes lie there; then back, elsewhere.
template <int Columns, int Rows>
__global__ void box(const __grid_constant__ CUtensorMap from,
                    const __grid_constant__ CUtensorMap to, int x, int y, uint16_t* seen) {
  __shared__ alignas(1024) uint16_t s[Columns * Rows];
  __shared__ uint64_t bar;
  if (threadIdx.x == 0) mbarrier_init(&bar, 1), fence_mbarrier_init();
  __syncthreads();
  if (threadIdx.x == 0) mbarrier_expect(&bar, sizeof s), tensor_load(s, &from, x, y, &bar);
  mbarrier_wait(&bar, 0);
  for (int i = threadIdx.x; i < Columns * Rows; i += blockDim.x) seen[i] = s[i];
  fence_proxy();
  __syncthreads();
  if (threadIdx.x == 0) tensor_store(&to, x + 8, y + 1, s), bulk_commit(), bulk_wait();
}
template <int Columns, int Rows>
int test_box(const char* name, CUtensorMapSwizzle swizzle, int x, int y) {
  constexpr int kWidth = 96, kHeight = 40;
  std::vector<uint16_t> m(kWidth * kHeight), expected(Columns * Rows), back(m.size(), 7);
  for (size_t i = 0; i < m.size(); ++i) m[i] = uint16_t(i + 1);
  Device<uint16_t> in(m), out(back), seen(expected.size());
  const auto map = [&](uint16_t* p) {
    return tensor_map(CU_TENSOR_MAP_DATA_TYPE_FLOAT16, 2, p, {kWidth, kHeight}, {Columns, Rows},
                      swizzle);
  };
  box<Columns, Rows><<<1, 64>>>(map(in.p), map(out.p), x, y, seen.p);
  for (int r = 0; r < Rows; ++r)
    for (int c = 0; c < Columns; ++c) {
      const int gx = x + c, gy = y + r;
      const uint16_t v =
          gx < 0 || gy < 0 || gx >= kWidth || gy >= kHeight ? 0 : m[size_t(gy * kWidth + gx)];
      // Columns are 16-byte pieces; 128 bytes of shared memory hold pieces 0 to 7, and each line
      // permutes its own by its number.
      const int byte = (r * Columns + c) * 2, line = byte / 128, piece = byte / 16 % 8;
      const int moved = swizzle == CU_TENSOR_MAP_SWIZZLE_128B  ? piece ^ line % 8
                        : swizzle == CU_TENSOR_MAP_SWIZZLE_64B ? piece ^ line % 4
                        : swizzle == CU_TENSOR_MAP_SWIZZLE_32B ? piece ^ line % 2
                                                               : piece;
      expected[size_t((line * 128 + moved * 16 + byte % 16) / 2)] = v;
      if (gx + 8 >= 0 && gy + 1 >= 0 && gx + 8 < kWidth && gy + 1 < kHeight)
        back[size_t((gy + 1) * kWidth + gx + 8)] = v;
    }
  return verdict(name, seen.host() == expected && out.host() == back);
}

// Five dimensions, every second element of the third.
__global__ void five(const __grid_constant__ CUtensorMap map, float* seen) {
  __shared__ alignas(128) float s[4 * 2 * 2 * 2 * 2];
  __shared__ uint64_t bar;
  if (threadIdx.x == 0) mbarrier_init(&bar, 1), fence_mbarrier_init();
  __syncthreads();
  if (threadIdx.x == 0) {
    mbarrier_expect(&bar, sizeof s);
    asm volatile(
        "cp.async.bulk.tensor.5d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, "
        "{%2, %3, %4, "
        "%5, %6}], [%7];" ::"r"(shared_address(s)),
        "l"(&map), "r"(4), "r"(-1), "r"(1), "r"(1), "r"(0), "r"(shared_address(&bar))
        : "memory");
  }
  mbarrier_wait(&bar, 0);
  seen[threadIdx.x] = s[threadIdx.x], seen[threadIdx.x + 32] = s[threadIdx.x + 32];
}
int test_five() {
  const int n[5] = {8, 3, 5, 2, 2};
  std::vector<float> t(8 * 3 * 5 * 2 * 2), expected(64);
  for (size_t i = 0; i < t.size(); ++i) t[i] = float(i + 1);
  Device<float> in(t), seen(64);
  five<<<1, 32>>>(tensor_map(CU_TENSOR_MAP_DATA_TYPE_FLOAT32, 4, in.p, {8, 3, 5, 2, 2},
                             {4, 2, 4, 2, 2}, CU_TENSOR_MAP_SWIZZLE_NONE, {1, 1, 2, 1, 1}),
                  seen.p);
  size_t k = 0;
  for (int e = 0; e < 2; ++e)
    for (int d = 0; d < 2; ++d)
      for (int c = 0; c < 2; ++c)
        for (int b = 0; b < 2; ++b)
          for (int a = 0; a < 4; ++a, ++k) {
            const int i[5] = {4 + a, -1 + b, 1 + 2 * c, 1 + d, e};
            bool inside = true;
            for (int q = 0; q < 5; ++q) inside &= i[q] >= 0 && i[q] < n[q];
            if (inside)
              expected[k] = t[size_t((((i[4] * 2 + i[3]) * 5 + i[2]) * 3 + i[1]) * 8 + i[0])];
          }
  return verdict("five dimensions", seen.host() == expected);
}

// Each block of a pair loads half a tile and sends it to both.
__global__ void __cluster_dims__(2) multicast(const __grid_constant__ CUtensorMap map, int* seen) {
  __shared__ alignas(128) int s[2][32 * 4];
  __shared__ uint64_t bar;
  const uint32_t rank = cluster_rank();
  if (threadIdx.x == 0) mbarrier_init(&bar, 1), fence_mbarrier_init();
  cluster_sync();
  if (threadIdx.x == 0) {
    mbarrier_expect(&bar, sizeof s);
    asm volatile(
        "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes."
        "multicast::cluster [%0], "
        "[%1, {%2, %3}], [%4], %5;" ::"r"(shared_address(s[rank])),
        "l"(&map), "r"(0), "r"(4 * rank), "r"(shared_address(&bar)), "h"(uint16_t(3))
        : "memory");
  }
  mbarrier_wait(&bar, 0);
  for (int i = threadIdx.x; i < 256; i += blockDim.x)
    seen[256 * blockIdx.x + i] = s[i / 128][i % 128];
  cluster_sync();
}
int test_multicast() {
  std::vector<int> t(256), expected(512);
  for (size_t i = 0; i < 256; ++i) t[i] = expected[i] = expected[256 + i] = int(i) * 3;
  Device<int> in(t), seen(512);
  multicast<<<2, 64>>>(tensor_map(CU_TENSOR_MAP_DATA_TYPE_INT32, 4, in.p, {32, 8}, {32, 4}),
                       seen.p);
  return verdict("multicast", seen.host() == expected);
}

// A peer's mbarrier: block 0 hands over a token and bytes, block 1 waits for both.
__global__ void __cluster_dims__(2) handover(int* seen) {
  __shared__ alignas(16) int box[32];
  __shared__ uint64_t bar;
  const uint32_t rank = cluster_rank();
  if (threadIdx.x == 0) mbarrier_init(&bar, 1), fence_mbarrier_init();
  box[threadIdx.x] = int(threadIdx.x + 100 * rank);
  fence_proxy();
  cluster_sync();
  if (rank == 0 && threadIdx.x == 0) {
    asm volatile(
        "mbarrier.arrive.expect_tx.release.cluster.shared::cluster.b64 _, [%0], 128;" ::"r"(
            peer_address(&bar, 1))
        : "memory");
    asm volatile(
        "cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes [%0], [%1], 128, "
        "[%2];" ::"r"(peer_address(box, 1)),
        "r"(shared_address(box)), "r"(peer_address(&bar, 1))
        : "memory");
  }
  if (rank == 1) {
    mbarrier_wait(&bar, 0);
    seen[threadIdx.x] = box[threadIdx.x];
  }
  cluster_sync();
}
int test_handover() {
  Device<int> seen(32);
  handover<<<2, 32>>>(seen.p);
  bool good = true;
  const auto h = seen.host();
  for (int i = 0; i < 32; ++i) good &= h[size_t(i)] == i;
  return verdict("handover", good);
}

int main() {
  int bad = test_clusters() + test_pipeline() + test_reduce() + test_five() + test_multicast() +
            test_handover();
  bad += test_box<64, 16>("box, 128-byte swizzle", CU_TENSOR_MAP_SWIZZLE_128B, 16, 3);
  bad += test_box<32, 16>("box, 64-byte swizzle", CU_TENSOR_MAP_SWIZZLE_64B, -5, 30);
  bad += test_box<16, 8>("box, 32-byte swizzle", CU_TENSOR_MAP_SWIZZLE_32B, 88, -2);
  bad += test_box<40, 4>("box, no swizzle", CU_TENSOR_MAP_SWIZZLE_NONE, 70, 38);
  return bad;
}
