// What a device is and what it refuses: its limits as published, every refusal with its error; and
// graphs. The argument is the compute capability that the program must find.
#include <cstring>
#include <string>

#include "check.h"

struct Limits {
  int capability, sms, threads_per_sm, blocks_per_sm, shared_per_sm, shared_per_block;
};
constexpr Limits kLimits[] = {{80, 108, 2048, 32, 167936, 166912},
                              {89, 142, 1536, 24, 102400, 101376},
                              {90, 132, 2048, 32, 233472, 232448},
                              {100, 148, 2048, 32, 233472, 232448},
                              {120, 188, 1536, 24, 102400, 101376}};

__global__ void touch(int* x) { x[threadIdx.x] = 1; }
__global__ void __launch_bounds__(128) bounded(int* x) { x[threadIdx.x] = 1; }
__global__ void dynamic(int* x) {
  extern __shared__ int s[];
  s[threadIdx.x] = 1;
  x[threadIdx.x] = s[threadIdx.x];
}
__global__ void half_full(int* x) {
  __shared__ int s[8192];  // 32 KiB
  s[threadIdx.x] = 2;
  x[threadIdx.x] = s[threadIdx.x];
}
__global__ void add(int* x, int v) { x[threadIdx.x] = x[threadIdx.x] * 3 + v; }
// 96 values that are all read before the first is written.
template <int kBounds>
__device__ void hold(volatile int* x) {
  int v[96];
  for (int i = 0; i < 96; ++i) v[i] = x[threadIdx.x + i];
  __syncthreads();
  for (int i = 0; i < 96; ++i) x[threadIdx.x + 95 - i] = v[i];
}
__global__ void many_registers(int* x) { hold<0>(x); }
__global__ void __launch_bounds__(1024) bounded_registers(int* x) { hold<1>(x); }
__global__ void __launch_bounds__(256, 4) shared_registers(int* x) { hold<2>(x); }
__device__ int variable[4];
int on_host;

int failures = 0, refusals = 0;
void expect(const char* what, cudaError_t got, cudaError_t wanted) {
  ++refusals;
  if (got == wanted && cudaGetLastError() == wanted && cudaPeekAtLastError() == cudaSuccess) return;
  std::printf("%s: %s instead of %s\n", what, cudaGetErrorName(got), cudaGetErrorName(wanted));
  ++failures;
}
template <class... A>
cudaError_t launch(void (*f)(A...), dim3 grid, dim3 block, size_t shared, A... args) {
  void* pointers[] = {&args...};
  return cudaLaunchKernel(reinterpret_cast<void*>(f), grid, block, pointers, shared, nullptr);
}

void test_limits(int capability) {
  const Limits* want = nullptr;
  for (const Limits& l : kLimits)
    if (l.capability == capability) want = &l;
  cudaDeviceProp p;
  CHECK(cudaGetDeviceProperties(&p, 0));
  int optin = 0, sms = 0, per_sm = 0;
  CHECK(cudaDeviceGetAttribute(&optin, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0));
  CHECK(cudaDeviceGetAttribute(&sms, cudaDevAttrMultiProcessorCount, 0));
  const bool good =
      want && p.major * 10 + p.minor == capability && sms == want->sms &&
      p.multiProcessorCount == sms && p.maxThreadsPerMultiProcessor == want->threads_per_sm &&
      p.maxBlocksPerMultiProcessor == want->blocks_per_sm && optin == want->shared_per_block &&
      int(p.sharedMemPerMultiprocessor) == want->shared_per_sm && p.warpSize == 32;
  failures += verdict("limits", good);
  // Occupancy by each of the three limits.
  CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&per_sm, touch, 32, 0));
  bool occupancy = per_sm == want->blocks_per_sm;
  CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&per_sm, touch, 1024, 0));
  occupancy &= per_sm == want->threads_per_sm / 1024;
  CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&per_sm, half_full, 32, 0));
  occupancy &= per_sm == want->shared_per_sm / (33 * 1024);
  // By registers: at least 96, and 64 at most where the bounds leave no more.
  cudaFuncAttributes many, bounded, shared;
  CHECK(cudaFuncGetAttributes(&many, many_registers));
  CHECK(cudaFuncGetAttributes(&bounded, bounded_registers));
  CHECK(cudaFuncGetAttributes(&shared, shared_registers));
  occupancy &= many.numRegs >= 96 && many.numRegs <= 120 && bounded.numRegs == 64 &&
               shared.numRegs == 64 && bounded.maxThreadsPerBlock == 1024;
  occupancy &= many.maxThreadsPerBlock == 65536 / 32 / ((many.numRegs + 7) / 8 * 8) / 4 * 128;
  CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&per_sm, many_registers, 256, 0));
  occupancy &= per_sm == 65536 / ((many.numRegs + 7) / 8 * 8) / 256;
  CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&per_sm, many_registers, 1024, 0));
  occupancy &= per_sm == 0;
  CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&per_sm, shared_registers, 256, 0));
  occupancy &= per_sm == 4;
  failures += verdict("occupancy", occupancy);

  Device<int> x(1024);
  CHECK(cudaFuncSetAttribute(dynamic, cudaFuncAttributeMaxDynamicSharedMemorySize, optin));
  CHECK(launch(dynamic, 1, 32, size_t(optin), x.p));
  CHECK(cudaDeviceSynchronize());
  expect("more shared memory than there is",
         cudaFuncSetAttribute(dynamic, cudaFuncAttributeMaxDynamicSharedMemorySize, optin + 1),
         cudaErrorInvalidValue);
  int* out = x.p;
  void* args[] = {&out};
  CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&per_sm, touch, 1024, 0));
  expect("a cooperative grid of more blocks than fit",
         cudaLaunchCooperativeKernel((void*)touch, sms * per_sm + 1, 1024, args, 0, 0),
         cudaErrorCooperativeLaunchTooLarge);
}

int multiprocessors() {
  int n = 0;
  CHECK(cudaDeviceGetAttribute(&n, cudaDevAttrMultiProcessorCount, 0));
  return n;
}
void test_refusals() {
  Device<int> x(1024);
  std::vector<int> host(1024);
  expect("no blocks", launch(touch, dim3(0), dim3(32), 0, x.p), cudaErrorInvalidConfiguration);
  expect("no threads", launch(touch, dim3(1), dim3(32, 0), 0, x.p), cudaErrorInvalidConfiguration);
  expect("1025 threads", launch(touch, dim3(1), dim3(1025), 0, x.p), cudaErrorInvalidConfiguration);
  expect("32 x 64 threads", launch(touch, dim3(1), dim3(32, 64), 0, x.p),
         cudaErrorInvalidConfiguration);
  expect("65 layers", launch(touch, dim3(1), dim3(1, 1, 65), 0, x.p),
         cudaErrorInvalidConfiguration);
  expect("65536 rows of blocks", launch(touch, dim3(1, 65536), dim3(1), 0, x.p),
         cudaErrorInvalidConfiguration);
  expect("more threads than bounds", launch(bounded, dim3(1), dim3(129), 0, x.p),
         cudaErrorInvalidValue);
  expect("shared memory without opting in", launch(touch, dim3(1), dim3(32), 49153, x.p),
         cudaErrorInvalidValue);
  expect("static and dynamic above 48 KiB", launch(half_full, dim3(1), dim3(32), 16385, x.p),
         cudaErrorInvalidValue);
  Device<int> y(2048);
  CHECK(launch(many_registers, dim3(1), dim3(512), 0, y.p));
  CHECK(launch(bounded_registers, dim3(1), dim3(1024), 0, y.p));
  expect("more registers than there are", launch(many_registers, dim3(1), dim3(1024), 0, y.p),
         cudaErrorLaunchOutOfResources);
  void* const y_argument[] = {&y.p};
  expect("the same, cooperative",
         cudaLaunchCooperativeKernel((void*)many_registers, 1, 1024, (void**)y_argument, 0, 0),
         cudaErrorLaunchOutOfResources);
  expect("a block beyond what the registers of all hold",
         cudaLaunchCooperativeKernel((void*)shared_registers, 4 * multiprocessors() + 1, 256,
                                     (void**)y_argument, 0, 0),
         cudaErrorCooperativeLaunchTooLarge);
  expect("no such kernel", cudaLaunchKernel(&on_host, dim3(1), dim3(1), nullptr, 0, nullptr),
         cudaErrorInvalidDeviceFunction);
  expect("no such device", cudaSetDevice(1), cudaErrorInvalidDevice);
  void* p;
  expect("a terabyte", cudaMalloc(&p, size_t(1) << 40), cudaErrorMemoryAllocation);
  expect("free of a middle", cudaFree(x.p + 1), cudaErrorInvalidValue);
  expect("free of host memory", cudaFree(host.data()), cudaErrorInvalidValue);
  expect("free as the wrong kind", cudaFreeHost(x.p), cudaErrorInvalidValue);
  expect("direction", cudaMemcpy(x.p, host.data(), 4, cudaMemcpyKind(9)),
         cudaErrorInvalidMemcpyDirection);
  expect("device as host", cudaMemcpy(x.p, host.data(), 4, cudaMemcpyDeviceToHost),
         cudaErrorInvalidValue);
  expect("pitch", cudaMemcpy2D(x.p, 4, host.data(), 16, 8, 2, cudaMemcpyHostToDevice),
         cudaErrorInvalidPitchValue);
  expect("symbol", cudaMemcpyToSymbol(&on_host, host.data(), 4), cudaErrorInvalidSymbol);
  expect("past a symbol", cudaMemcpyToSymbol(variable, host.data(), 20), cudaErrorInvalidValue);
  cudaStream_t stream;
  cudaEvent_t a, b;
  CHECK(cudaStreamCreate(&stream));
  CHECK(cudaStreamDestroy(stream));
  expect("a stream that is gone", cudaStreamSynchronize(stream), cudaErrorInvalidResourceHandle);
  CHECK(cudaEventCreate(&a));
  CHECK(cudaEventCreate(&b));
  float ms;
  expect("events never recorded", cudaEventElapsedTime(&ms, a, b), cudaErrorInvalidResourceHandle);
  CHECK(cudaEventDestroy(b));
  expect("an event that is gone", cudaEventRecord(b), cudaErrorInvalidResourceHandle);
}

// x * 3 + 1, a fork that sets y, a join, then x * 3 + 2: replayed three times.
void test_graphs() {
  const int n = 64;
  Device<int> x(std::vector<int>(n, 1)), y(std::vector<int>(n, 0));
  std::vector<int> host(n);
  cudaStream_t s, fork;
  cudaEvent_t begin, end;
  CHECK(cudaStreamCreate(&s));
  CHECK(cudaStreamCreate(&fork));
  CHECK(cudaEventCreate(&begin));
  CHECK(cudaEventCreate(&end));
  cudaGraph_t graph;
  cudaGraphExec_t exec;
  CHECK(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal));
  add<<<1, n, 0, s>>>(x.p, 1);
  CHECK(cudaEventRecord(begin, s));
  CHECK(cudaStreamWaitEvent(fork, begin, 0));
  add<<<1, n, 0, fork>>>(y.p, 7);
  CHECK(cudaEventRecord(end, fork));
  add<<<1, n, 0, s>>>(x.p, 2);
  CHECK(cudaStreamWaitEvent(s, end, 0));
  expect("synchronising a capture", cudaStreamSynchronize(s), cudaErrorStreamCaptureUnsupported);
  expect("the legacy stream beside a capture", launch(touch, dim3(1), dim3(1), 0, x.p),
         cudaErrorStreamCaptureImplicit);
  CHECK(cudaStreamEndCapture(s, &graph));
  bool good = x.host()[5] == 1;  // nothing ran
  size_t nodes = 0;
  CHECK(cudaGraphGetNodes(graph, nullptr, &nodes));
  CHECK(cudaGraphInstantiate(&exec, graph, 0));
  CHECK(cudaGraphDestroy(graph));
  int ex = 1, ey = 0;
  for (int k = 0; k < 3; ++k) {
    CHECK(cudaGraphLaunch(exec, s));
    ex = (ex * 3 + 1) * 3 + 2, ey = ey * 3 + 7;
  }
  CHECK(cudaStreamSynchronize(s));
  good &= nodes == 3 && x.host() == std::vector<int>(n, ex) && y.host() == std::vector<int>(n, ey);
  CHECK(cudaGraphExecDestroy(exec));

  CHECK(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal));
  CHECK(cudaEventRecord(begin, s));
  CHECK(cudaStreamWaitEvent(fork, begin, 0));
  add<<<1, n, 0, fork>>>(y.p, 7);
  expect("a fork that is not joined", cudaStreamEndCapture(s, &graph),
         cudaErrorStreamCaptureUnjoined);
  expect("an end without a beginning", cudaStreamEndCapture(s, &graph), cudaErrorIllegalState);
  failures += verdict("graphs", good);
}

int main(int, char** argv) {
  test_limits(std::atoi(argv[1]));
  test_refusals();
  test_graphs();
  std::printf("%d refusals\n", refusals);
  return failures != 0;
}
