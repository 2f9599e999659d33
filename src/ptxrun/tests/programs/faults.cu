// One planted fault per name. The program itself only says whether CUDA told it of an error.
#include <cassert>
#include <cstring>
#include <map>
#include <string>

#include "check.h"

__global__ void out_of_bounds(int* x, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  x[i] = i;  // the guard i < n is missing
}
__global__ void misaligned(char* x) { *reinterpret_cast<int4*>(x + 4 * threadIdx.x) = int4{}; }
__global__ void shared_overrun(int* x) {
  __shared__ int s[32];
  for (int i = 0; i <= int(threadIdx.x); ++i) s[i + 1] = i;
  x[threadIdx.x] = s[threadIdx.x];
}
__global__ void asserts(int* x) { assert(x[threadIdx.x] == int(threadIdx.x) && "planted"); }
__global__ void traps(int* x) {
  if (x[threadIdx.x] == 0) __trap();
}
__global__ void diverges(int* x) {
  if (threadIdx.x < 7)
    __syncthreads();
  else
    x[threadIdx.x] = __shfl_sync(~0u, x[0], 0);
}
__global__ void deadlocks(int* x) {
  if (threadIdx.x < 32)
    asm volatile("bar.sync 1, 64;");
  else
    asm volatile("bar.sync 2, 64;");
  x[threadIdx.x] = 0;
}
__global__ void waits_for_nobody(volatile int* x) {
  while (x[0] == 0) {
  }
}
__global__ void misses_barrier(int* x) {
  __shared__ int s[64];
  s[threadIdx.x] = threadIdx.x;
  x[threadIdx.x] = s[63 - threadIdx.x];
}
__global__ void misses_syncwarp(int* x) {
  __shared__ int s[32];
  s[threadIdx.x] = threadIdx.x;
  x[threadIdx.x] = s[threadIdx.x ^ 1];
}
__global__ void misses_atomic(int* x) { x[threadIdx.x % 16] += blockIdx.x; }
__global__ void reads_unwritten(int* x) {
  __shared__ int s[64];
  if (threadIdx.x < 40) s[threadIdx.x] = 1;
  __syncthreads();
  x[threadIdx.x] = s[threadIdx.x];
}
__global__ void fine(int* x, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] = i;
}

int main(int, char** argv) {
  const std::string name = argv[1];
  const int n = 100;
  Device<int> x(std::vector<int>(n, 0));
  if (name == "out_of_bounds") out_of_bounds<<<4, 32>>>(x.p, n);
  if (name == "misaligned") misaligned<<<1, 8>>>(reinterpret_cast<char*>(x.p));
  if (name == "shared_overrun") shared_overrun<<<1, 32>>>(x.p);
  if (name == "asserts") asserts<<<1, 32>>>(x.p);
  if (name == "traps") traps<<<1, 32>>>(x.p);
  if (name == "diverges") diverges<<<1, 32>>>(x.p);
  if (name == "deadlocks") deadlocks<<<1, 64>>>(x.p);
  if (name == "waits_for_nobody") waits_for_nobody<<<1, 32>>>(x.p);
  if (name == "misses_barrier") misses_barrier<<<1, 64>>>(x.p);
  if (name == "misses_syncwarp") misses_syncwarp<<<1, 32>>>(x.p);
  if (name == "misses_atomic") misses_atomic<<<2, 32>>>(x.p);
  if (name == "reads_unwritten") reads_unwritten<<<1, 64>>>(x.p);
  if (name == "host_access") x.p[3] = 1;
  if (name == "used_after_free") {
    int* y;
    CHECK(cudaMalloc(&y, n * sizeof(int)));
    CHECK(cudaFree(y));
    fine<<<4, 32>>>(y, n);
  }
  if (name == "copied_too_much") {
    std::vector<int> h(n + 1);
    return cudaMemcpy(h.data(), x.p, (n + 1) * sizeof(int), cudaMemcpyDeviceToHost) ==
           cudaErrorInvalidValue;
  }
  if (name == "fine") fine<<<4, 32>>>(x.p, n);
  const cudaError_t e = cudaDeviceSynchronize();
  std::printf("the program saw: %s\n", cudaGetErrorName(e));
  return 0;
}
