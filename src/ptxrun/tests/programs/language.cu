// What the language offers beside arithmetic: calls, variables, printf, doubles, streams, graphs of
// blocks through cooperative groups.
#include <cooperative_groups.h>

#include <cmath>
#include <cstring>

#include "check.h"

namespace cg = cooperative_groups;

struct Pair {
  int a;
  double b;
};
__device__ __noinline__ Pair combine(Pair p, int k) { return {p.a * k + 1, p.b / k}; }
__constant__ float table[8];
__device__ int counter = 5;
__device__ const char* words[2] = {"zero", "one"};
__managed__ int shared_with_host = 3;

__global__ void language(int* out, double* d) {
  const int i = threadIdx.x;
  Pair p{i, double(i)};
  for (int k = 1; k < 4; ++k) p = combine(p, i % 2 ? k : k + 1);
  int scratch[8];
  for (int k = 0; k < 8; ++k) scratch[k] = p.a + k;
  out[i] = scratch[(i * 5) % 8] + int(table[i % 8]);
  d[i] = sqrt(p.b + 2.0) + exp(-p.b) + pow(1.0 + i, 1.5) + sin(double(i)) + cosf(0.25f * i);
  if (i == 1) printf("from lane %d: %s %5.2f %lld\n", i, words[1], p.b, 1ll << 40);
  atomicAdd(&counter, i);
  if (i == 0) shared_with_host *= 7;
}
int test_language() {
  const int n = 64;
  const float coefficients[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  CHECK(cudaMemcpyToSymbol(table, coefficients, sizeof coefficients));
  Device<int> out(n);
  Device<double> d(n);
  shared_with_host += 1;
  language<<<1, n>>>(out.p, d.p);
  CHECK(cudaDeviceSynchronize());
  bool good = shared_with_host == 28;
  const auto h = out.host();
  const auto hd = d.host();
  for (int i = 0; i < n; ++i) {
    int a = i;
    double b = i;
    for (int k = 1; k < 4; ++k) {
      const int f = i % 2 ? k : k + 1;
      a = a * f + 1, b = b / f;
    }
    good &= h[i] == a + (i * 5) % 8 + int(coefficients[i % 8]);
    const double e = std::sqrt(b + 2) + std::exp(-b) + std::pow(1.0 + i, 1.5) +
                     std::sin(double(i)) + std::cos(0.25f * i);
    good &= std::fabs(hd[i] - e) < 1e-5;
  }
  int c = 0;
  CHECK(cudaMemcpyFromSymbol(&c, counter, sizeof c));
  return verdict("language", good && c == 5 + n * (n - 1) / 2);
}

// Lists made by the device, one a thread, freed by the next kernel.
__global__ void grow(int** list, int* sums) {
  int* const mine = static_cast<int*>(malloc((threadIdx.x + 1) * sizeof(int)));
  for (unsigned k = 0; k <= threadIdx.x; ++k) mine[k] = int(k);
  list[threadIdx.x] = mine;
  sums[threadIdx.x] = mine[threadIdx.x];
}
__global__ void shrink(int** list, int* sums) {
  for (unsigned k = 0; k < threadIdx.x; ++k) sums[threadIdx.x] += list[threadIdx.x][k];
  free(list[threadIdx.x]);
}
int test_malloc() {
  Device<int*> list(64);
  Device<int> sums(64);
  grow<<<1, 64>>>(list.p, sums.p);
  shrink<<<1, 64>>>(list.p, sums.p);
  bool good = true;
  const auto h = sums.host();
  for (int i = 0; i < 64; ++i) good &= h[i] == i * (i + 1) / 2;
  return verdict("malloc", good);
}

__global__ void scale(int* x, int by) { x[threadIdx.x] = x[threadIdx.x] * by + 1; }

// set, times 3, copy, times 2, an update of the last, and one of the whole.
int test_nodes() {
  const int n = 32;
  Device<int> x(n), y(n);
  cudaGraph_t graph;
  cudaGraphNode_t nodes[4];
  CHECK(cudaGraphCreate(&graph, 0));
  cudaMemsetParams set = {};
  set.dst = x.p, set.elementSize = 1, set.width = n * sizeof(int), set.height = 1, set.value = 0;
  CHECK(cudaGraphAddMemsetNode(&nodes[0], graph, nullptr, 0, &set));
  auto params = [](int** p, int* by, void** args) {
    args[0] = p, args[1] = by;
    cudaKernelNodeParams k = {};
    k.func = reinterpret_cast<void*>(scale), k.gridDim = 1, k.blockDim = n, k.kernelParams = args;
    return k;
  };
  int three = 3, two = 2, five = 5;
  int *px = x.p, *py = y.p;
  void* args[2];
  cudaKernelNodeParams k = params(&px, &three, args);
  CHECK(cudaGraphAddKernelNode(&nodes[1], graph, &nodes[0], 1, &k));
  CHECK(cudaGraphAddMemcpyNode1D(&nodes[2], graph, &nodes[1], 1, y.p, x.p, n * sizeof(int),
                                 cudaMemcpyDeviceToDevice));
  k = params(&py, &two, args);
  CHECK(cudaGraphAddKernelNode(&nodes[3], graph, &nodes[2], 1, &k));
  cudaGraphExec_t exec;
  CHECK(cudaGraphInstantiate(&exec, graph, 0));
  CHECK(cudaGraphLaunch(exec, 0));
  bool good = y.host() == std::vector<int>(n, 3);
  k = params(&py, &five, args);
  CHECK(cudaGraphExecKernelNodeSetParams(exec, nodes[3], &k));
  CHECK(cudaGraphLaunch(exec, 0));
  good &= y.host() == std::vector<int>(n, 6);
  CHECK(cudaGraphExecUpdate(exec, graph, nullptr));
  CHECK(cudaGraphLaunch(exec, 0));
  good &= y.host() == std::vector<int>(n, 3);
  size_t count = 0;
  CHECK(cudaGraphGetNodes(graph, nullptr, &count));
  CHECK(cudaGraphExecDestroy(exec));
  CHECK(cudaGraphDestroy(graph));
  return verdict("graph nodes", good && count == 4);
}

__global__ void whole_grid(float* x, int n, int rounds) {
  cg::grid_group grid = cg::this_grid();
  for (int r = 0; r < rounds; ++r) {
    for (size_t i = grid.thread_rank(); i < n; i += grid.size()) {
      const float v = x[r % 2 * n + (i + 1) % n];
      x[(r + 1) % 2 * n + i] = v * 0.5f + 1;
    }
    grid.sync();
  }
}
int test_grid() {
  const int n = 500, rounds = 4;
  std::vector<float> x(2 * n), y;
  for (int i = 0; i < n; ++i) x[i] = float(i);
  Device<float> dx(x);
  float* p = dx.p;
  int count = n, r = rounds;
  void* args[] = {&p, &count, &r};
  CHECK(cudaLaunchCooperativeKernel((void*)whole_grid, dim3(6), dim3(64), args, 0, 0));
  y.assign(x.begin(), x.begin() + n);
  for (int k = 0; k < rounds; ++k) {
    std::vector<float> next(n);
    for (int i = 0; i < n; ++i) next[i] = y[(i + 1) % n] * 0.5f + 1;
    y = next;
  }
  const auto h = dx.host();
  return verdict("grid", std::equal(y.begin(), y.end(), h.begin() + rounds % 2 * n));
}

__global__ void tiles(const int* x, int* y) {
  auto tile = cg::tiled_partition<8>(cg::this_thread_block());
  __shared__ int s[64];
  s[threadIdx.x] = x[threadIdx.x];
  tile.sync();
  int v = s[threadIdx.x / 8 * 8 + (tile.thread_rank() + 1) % 8];
  for (int step = 4; step; step /= 2) v += tile.shfl_xor(v, step);
  y[threadIdx.x] = v + int(__popc(tile.ballot(v % 2)));
  if (threadIdx.x % 2) {
    auto active = cg::coalesced_threads();
    y[threadIdx.x] += int(active.size());
  }
}
int test_tiles() {
  std::vector<int> x(64);
  for (int i = 0; i < 64; ++i) x[i] = i * i % 17;
  Device<int> dx(x), dy(64);
  tiles<<<1, 64>>>(dx.p, dy.p);
  const auto y = dy.host();
  bool good = true;
  for (int i = 0; i < 64; ++i) {
    int sum = 0;
    for (int k = 0; k < 8; ++k) sum += x[i / 8 * 8 + k];
    good &= y[i] == sum + (sum % 2 ? 8 : 0) + (i % 2 ? 16 : 0);
  }
  return verdict("tiles", good);
}

__global__ void add(int* x, int n, int v) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] = x[i] * 2 + v;
}
int test_streams() {
  const int n = 100;
  cudaStream_t a, b;
  cudaEvent_t event;
  CHECK(cudaStreamCreate(&a));
  CHECK(cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking));
  CHECK(cudaEventCreate(&event));
  int* pinned;
  CHECK(cudaMallocHost(&pinned, n * sizeof(int)));
  Device<int> x(n);
  CHECK(cudaMemsetAsync(x.p, 0, n * sizeof(int), a));
  add<<<4, 32, 0, a>>>(x.p, n, 1);
  CHECK(cudaEventRecord(event, a));
  CHECK(cudaStreamWaitEvent(b, event, 0));
  add<<<4, 32, 0, b>>>(x.p, n, 3);
  CHECK(cudaMemcpyAsync(pinned, x.p, n * sizeof(int), cudaMemcpyDeviceToHost, b));
  CHECK(cudaStreamSynchronize(b));
  bool good = cudaEventQuery(event) == cudaSuccess;
  for (int i = 0; i < n; ++i) good &= pinned[i] == 5;
  CHECK(cudaFreeHost(pinned));
  CHECK(cudaEventDestroy(event));
  CHECK(cudaStreamDestroy(a));
  CHECK(cudaStreamDestroy(b));
  return verdict("streams", good);
}

int main() {
  return test_malloc() + test_nodes() + test_language() + test_grid() + test_tiles() +
         test_streams();
}
