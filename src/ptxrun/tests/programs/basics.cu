// Ordinary kernels of the kind every tutorial has: reduction, scan, transpose, histogram, stencil.
#include <cmath>
#include <numeric>

#include "check.h"

__global__ void reduce(const float* x, float* y, int n) {
  __shared__ float partial[32];
  float sum = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
    sum += x[i];
  for (int step = 16; step; step /= 2) sum += __shfl_xor_sync(~0u, sum, step);
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x < 32) {
    sum = threadIdx.x < blockDim.x / 32 ? partial[threadIdx.x] : 0;
    for (int step = 16; step; step /= 2) sum += __shfl_down_sync(~0u, sum, step);
    if (threadIdx.x == 0) atomicAdd(y, sum);
  }
}
int test_reduce() {
  const int n = 10007;
  std::vector<float> x(n);
  for (int i = 0; i < n; ++i) x[i] = float(i % 13);
  Device<float> dx(x), dy(std::vector<float>{0});
  reduce<<<7, 96>>>(dx.p, dy.p, n);
  CHECK(cudaGetLastError());
  return verdict("reduce", dy.host()[0] == std::accumulate(x.begin(), x.end(), 0.0));
}

// Hillis-Steele in dynamic shared memory, two buffers.
__global__ void scan(const int* x, int* y, int n) {
  extern __shared__ int buffer[];
  int *from = buffer, *to = buffer + n;
  from[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  for (int step = 1; step < n; step *= 2) {
    to[threadIdx.x] = from[threadIdx.x] + (threadIdx.x >= step ? from[threadIdx.x - step] : 0);
    __syncthreads();
    int* t = from;
    from = to, to = t;
  }
  y[threadIdx.x] = from[threadIdx.x];
}
int test_scan() {
  const int n = 200;
  std::vector<int> x(n), expected(n);
  for (int i = 0; i < n; ++i) x[i] = i * 7 % 11 - 3;
  std::partial_sum(x.begin(), x.end(), expected.begin());
  Device<int> dx(x), dy(n);
  scan<<<1, n, 2 * n * sizeof(int)>>>(dx.p, dy.p, n);
  return verdict("scan", dy.host() == expected);
}

__global__ void transpose(const float* x, float* y, int rows, int cols) {
  __shared__ float tile[32][33];
  const int c = blockIdx.x * 32 + threadIdx.x, r0 = blockIdx.y * 32;
  for (int k = threadIdx.y; k < 32; k += 8)
    if (r0 + k < rows && c < cols) tile[k][threadIdx.x] = x[(r0 + k) * cols + c];
  __syncthreads();
  const int r = r0 + threadIdx.x, c0 = blockIdx.x * 32;
  for (int k = threadIdx.y; k < 32; k += 8)
    if (c0 + k < cols && r < rows) y[(c0 + k) * rows + r] = tile[threadIdx.x][k];
}
int test_transpose() {
  const int rows = 70, cols = 45;
  std::vector<float> x(rows * cols);
  std::iota(x.begin(), x.end(), 0.f);
  Device<float> dx(x), dy(x.size());
  transpose<<<dim3((cols + 31) / 32, (rows + 31) / 32), dim3(32, 8)>>>(dx.p, dy.p, rows, cols);
  const std::vector<float> y = dy.host();
  bool good = true;
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < cols; ++c) good &= y[c * rows + r] == x[r * cols + c];
  return verdict("transpose", good);
}

__global__ void histogram(const unsigned char* x, unsigned* counts, int n) {
  __shared__ unsigned local[64];
  for (int i = threadIdx.x; i < 64; i += blockDim.x) local[i] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
    atomicAdd(&local[x[i] % 64], 1u);
  __syncthreads();
  for (int i = threadIdx.x; i < 64; i += blockDim.x) atomicAdd(&counts[i], local[i]);
}
int test_histogram() {
  const int n = 5000;
  std::vector<unsigned char> x(n);
  std::vector<unsigned> expected(64, 0);
  for (int i = 0; i < n; ++i) ++expected[(x[i] = (unsigned char)(i * i % 251)) % 64];
  Device<unsigned char> dx(x);
  Device<unsigned> counts(std::vector<unsigned>(64, 0));
  histogram<<<5, 100>>>(dx.p, counts.p, n);
  return verdict("histogram", counts.host() == expected);
}

// Bytes written by neighbours are not a race; a warp that parts and meets again.
__global__ void bytes(const signed char* x, unsigned char* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  int v = x[i];
  if (i % 3 == 0) {
    for (int k = 0; k < i % 7; ++k) v = v * 3 + 1;
  } else if (i % 3 == 1) {
    v = -v;
  }
  y[i] = (unsigned char)v;
}
int test_bytes() {
  const int n = 777;
  std::vector<signed char> x(n);
  std::vector<unsigned char> expected(n);
  for (int i = 0; i < n; ++i) {
    int v = x[i] = (signed char)(i * 37);
    if (i % 3 == 0)
      for (int k = 0; k < i % 7; ++k) v = v * 3 + 1;
    else if (i % 3 == 1)
      v = -v;
    expected[i] = (unsigned char)v;
  }
  Device<signed char> dx(x);
  Device<unsigned char> dy(n);
  bytes<<<(n + 127) / 128, 128>>>(dx.p, dy.p, n);
  return verdict("bytes", dy.host() == expected);
}

// One lane of each warp holds the lock while its neighbours spin.
__global__ void locked(int* lock, int* sum) {
  bool done = false;
  while (!done) {
    if (atomicCAS(lock, 0, 1) == 0) {
      __threadfence();
      *sum += 1;
      __threadfence();
      atomicExch(lock, 0);
      done = true;
    }
  }
}
int test_locked() {
  Device<int> lock(std::vector<int>{0}), sum(std::vector<int>{0});
  locked<<<3, 40>>>(lock.p, sum.p);
  return verdict("locked", sum.host()[0] == 120);
}

int main() {
  return test_reduce() + test_scan() + test_transpose() + test_histogram() + test_bytes() +
         test_locked();
}
