// What Blackwell's programs do apart from products: clusters that take the work of others, as
// CUTLASS's persistent kernels do, matrices of bytes, and tensor maps that a kernel changes.
#include <cstring>
#include <string>

#include "check.h"
#include "ptx.cuh"

// Every block of a cluster counts the place it works for; the cluster's first block asks for more.
__global__ void __cluster_dims__(2) steal(int* done, int* started) {
  __shared__ __align__(16) uint4 answer;
  __shared__ uint64_t full;
  const unsigned rank = cluster_rank(), out = shared_address(&answer);
  int place = int(blockIdx.x + gridDim.x * blockIdx.y);
  if (threadIdx.x == 0) {
    atomicAdd(started, 1);
    mbarrier_init(&full, 1);
  }
  cluster_sync();
  for (unsigned phase = 0;; phase ^= 1) {
    if (threadIdx.x == 0) {
      atomicAdd(&done[place], 1);
      mbarrier_expect(&full, 16);
    }
    cluster_sync();
    if (rank == 0 && threadIdx.x == 0)
      asm volatile(
          "clusterlaunchcontrol.try_cancel.async.shared::cta.mbarrier::complete_tx::bytes"
          ".multicast::cluster::all.b128 [%0], [%1];" ::"r"(out),
          "r"(shared_address(&full))
          : "memory");
    mbarrier_wait(&full, phase);
    unsigned x = 0, y = 0, z = 0, taken;
    asm volatile(
        "{\n.reg .pred p;\n.reg .b128 r;\nld.shared.b128 r, [%4];\n"
        "clusterlaunchcontrol.query_cancel.is_canceled.pred.b128 p, r;\nselp.u32 %3, 1, 0, p;\n"
        "@p clusterlaunchcontrol.query_cancel.get_first_ctaid.v4.b32.b128 {%0, %1, %2, _}, r;\n}"
        : "+r"(x), "+r"(y), "+r"(z), "=r"(taken)
        : "r"(out)
        : "memory");
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    if (!taken) break;
    place = int(x + rank + gridDim.x * y);
  }
  cluster_sync();
}
int test_steal() {
  const int x = 12, y = 5, n = x * y;
  Device<int> done(std::vector<int>(n, 0)), started(std::vector<int>(1, 0));
  steal<<<dim3(x, y), 64>>>(done.p, started.p);
  CHECK(cudaDeviceSynchronize());
  // All places once, by fewer blocks than there are places.
  return verdict("steal", done.host() == std::vector<int>(n, 1) && started.host()[0] < n);
}

// A 16 x 16 matrix of bytes, transposed: lane l gets 4 bytes of rows l / 4 and l / 4 + 8.
__global__ void turn(const unsigned char* from, unsigned* to) {
  __shared__ __align__(16) unsigned char tile[256];
  for (int i = threadIdx.x; i < 256; i += 32) tile[i] = from[i];
  __syncwarp();
  unsigned a, b;
  asm volatile("ldmatrix.sync.aligned.m16n16.x1.trans.shared.b8 {%0, %1}, [%2];"
               : "=r"(a), "=r"(b)
               : "r"(shared_address(&tile[threadIdx.x % 16 * 16])));
  to[threadIdx.x] = a, to[32 + threadIdx.x] = b;
}
int test_turn() {
  std::vector<unsigned char> x(256);
  for (int i = 0; i < 256; ++i) x[i] = (unsigned char)(i * 77 + 5);
  Device<unsigned char> dx(x);
  Device<unsigned> dy(64);
  turn<<<1, 32>>>(dx.p, dy.p);
  const auto y = dy.host();
  bool good = true;
  for (int row = 0; row < 16; ++row)
    for (int col = 0; col < 16; ++col) {
      const unsigned word = y[size_t(row / 8 * 32 + row % 8 * 4 + col / 4)];
      good &= (word >> 8 * (col % 4) & 255) == x[size_t(col * 16 + row)];
    }
  return verdict("turn", good);
}

// One map for all groups of a grouped product: each block makes it point at its own matrix, with
// fewer rows, which the copy then fills with zeros.
__global__ void regroup(const __grid_constant__ CUtensorMap map, CUtensorMap* maps, int* data,
                        int* out) {
  __shared__ __align__(128) CUtensorMap mine;
  __shared__ __align__(128) int tile[4][32];
  __shared__ uint64_t full;
  const int lane = int(threadIdx.x), rows = int(blockIdx.x) + 1;
  reinterpret_cast<int*>(&mine)[lane] = reinterpret_cast<const int*>(&map)[lane];
  __syncwarp();
  if (lane == 0) {
    asm volatile("tensormap.replace.tile.global_address.shared::cta.b1024.b64 [%0], %1;" ::"r"(
                     shared_address(&mine)),
                 "l"(data + 128 * blockIdx.x)
                 : "memory");
    asm volatile("tensormap.replace.tile.global_dim.shared::cta.b1024.b32 [%0], 1, %1;" ::"r"(
                     shared_address(&mine)),
                 "r"(rows)
                 : "memory");
  }
  __syncwarp();
  asm volatile(
      "tensormap.cp_fenceproxy.global.shared::cta.tensormap::generic.release.gpu.sync.aligned "
      "[%0], [%1], 128;" ::"l"(&maps[blockIdx.x]),
      "r"(shared_address(&mine))
      : "memory");
  asm volatile("fence.proxy.tensormap::generic.acquire.gpu [%0], 128;" ::"l"(&maps[blockIdx.x])
               : "memory");
  if (lane == 0) {
    mbarrier_init(&full, 1);
    fence_mbarrier_init();
    mbarrier_expect(&full, sizeof tile);
    tensor_load(tile, &maps[blockIdx.x], 0, 0, &full);
  }
  __syncwarp();
  mbarrier_wait(&full, 0);
  for (int r = 0; r < 4; ++r) out[128 * blockIdx.x + 32 * r + lane] = tile[r][lane];
}
int test_regroup() {
  const int groups = 4;
  std::vector<int> x(128 * groups), want(128 * groups);
  for (int i = 0; i < 128 * groups; ++i)
    x[size_t(i)] = i * 31 + 1, want[size_t(i)] = i % 128 / 32 <= i / 128 ? x[size_t(i)] : 0;
  Device<int> dx(x), dy(128 * groups);
  Device<CUtensorMap> maps(groups);
  regroup<<<groups, 32>>>(tensor_map(CU_TENSOR_MAP_DATA_TYPE_INT32, 4, dx.p, {32, 4}, {32, 4}),
                          maps.p, dx.p, dy.p);
  return verdict("regroup", dy.host() == want);
}

int main() { return test_steal() + test_turn() + test_regroup(); }
