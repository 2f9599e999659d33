// Several devices: whose memory is whose, what reaches it, what is refused; a ring of partial sums
// by a host thread for each device.
#include <string>
#include <thread>

#include "check.h"

__device__ int offset_here;
__managed__ int everywhere;

__global__ void add_from(int* to, const int* from, int n) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) to[i] += from[i] + offset_here;
}
__global__ void count_up() { atomicAdd_system(&everywhere, 1); }

int failures = 0, refusals = 0;
void expect(const char* what, cudaError_t got, cudaError_t wanted) {
  ++refusals;
  if (got == wanted && cudaGetLastError() == wanted && cudaPeekAtLastError() == cudaSuccess) return;
  std::printf("%s: %s instead of %s\n", what, cudaGetErrorName(got), cudaGetErrorName(wanted));
  ++failures;
}

// A fresh process for each: a fault ends what the runtime will do.
int plant(const std::string& what) {
  int* theirs;
  CHECK(cudaSetDevice(1));
  CHECK(cudaMalloc(&theirs, 400));
  CHECK(cudaMemset(theirs, 0, 400));
  CHECK(cudaSetDevice(0));
  Device<int> mine(100);
  CHECK(cudaMemset(mine.p, 0, 400));
  if (what == "disabled") {
    CHECK(cudaDeviceEnablePeerAccess(1, 0));
    add_from<<<1, 128>>>(mine.p, theirs, 100);
    CHECK(cudaDeviceDisablePeerAccess(1));
  }
  if (what == "other_way") {  // access is of one direction
    CHECK(cudaSetDevice(1));
    CHECK(cudaDeviceEnablePeerAccess(0, 0));
    CHECK(cudaSetDevice(0));
  }
  add_from<<<1, 128>>>(mine.p, theirs, 100);
  std::printf("saw: %s\n", cudaGetErrorName(cudaDeviceSynchronize()));
  return 0;
}

bool test_ownership(int devices) {
  bool good = true;
  for (int d = 0; d < devices; ++d) {
    CHECK(cudaSetDevice(d));
    size_t before, after, total;
    void* p;
    CHECK(cudaMemGetInfo(&before, &total));
    CHECK(cudaMalloc(&p, 1 << 20));
    CHECK(cudaSetDevice((d + 1) % devices));
    cudaPointerAttributes a;
    CHECK(cudaPointerGetAttributes(&a, p));
    good &= a.device == d && a.type == cudaMemoryTypeDevice;
    CHECK(cudaSetDevice(d));
    CHECK(cudaMemGetInfo(&after, &total));
    good &= before - after == 1 << 20;
    CHECK(cudaSetDevice((d + 1) % devices));
    CHECK(cudaFree(p));  // from any device
    int now = -1;
    CHECK(cudaGetDevice(&now));
    good &= now == (d + 1) % devices;
    CHECK(cudaSetDevice(d));
    CHECK(cudaMemGetInfo(&after, &total));
    good &= before == after;
    // A variable is one of each device, unless it is managed.
    const int value = 100 + d;
    CHECK(cudaMemcpyToSymbol(offset_here, &value, sizeof value));
    count_up<<<1, 32>>>();
    CHECK(cudaDeviceSynchronize());
  }
  for (int d = 0; d < devices; ++d) {
    CHECK(cudaSetDevice(d));
    int value = 0;
    CHECK(cudaMemcpyFromSymbol(&value, offset_here, sizeof value));
    good &= value == 100 + d;
  }
  return good && everywhere == 32 * devices;
}

// Each device adds what its left neighbour has: by a kernel that reads the peer, by a copy between
// the devices on a stream, and by one that waits for both.
bool test_ring(int devices) {
  const int n = 1000;
  bool good = true;
  std::vector<int*> mine(size_t(devices), nullptr);
  for (int d = 0; d < devices; ++d) {
    CHECK(cudaSetDevice(d));
    CHECK(cudaMalloc(&mine[size_t(d)], n * sizeof(int)));
    const std::vector<int> v(n, d + 1);
    CHECK(cudaMemcpy(mine[size_t(d)], v.data(), n * sizeof(int), cudaMemcpyHostToDevice));
  }
  std::vector<int> results(size_t(devices), 0);
  std::vector<std::thread> threads;
  for (int d = 0; d < devices; ++d)
    threads.emplace_back([&, d] {
      int now = -1;
      CHECK(cudaGetDevice(&now));  // a thread starts with device 0
      if (now != 0) results[size_t(d)] = -1000;
      CHECK(cudaSetDevice(d));
      const int left = (d + devices - 1) % devices;
      CHECK(cudaDeviceEnablePeerAccess(left, 0));
      cudaStream_t s;
      CHECK(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking));
      Device<int> sum(n), copied(n);
      CHECK(cudaMemsetAsync(sum.p, 0, n * sizeof(int), s));
      add_from<<<8, 128, 0, s>>>(sum.p, mine[size_t(left)], n);
      CHECK(cudaMemcpyPeerAsync(copied.p, d, mine[size_t(left)], left, n * sizeof(int), s));
      add_from<<<8, 128, 0, s>>>(sum.p, copied.p, n);
      CHECK(cudaMemcpyPeer(copied.p, d, mine[size_t(left)], left, n * sizeof(int)));
      add_from<<<8, 128, 0, s>>>(sum.p, copied.p, n);
      CHECK(cudaStreamSynchronize(s));
      bool same = true;
      for (int x : sum.host()) same &= x == 3 * (left + 1 + 100 + d);
      results[size_t(d)] += same;
      CHECK(cudaStreamDestroy(s));
      CHECK(cudaDeviceDisablePeerAccess(left));
    });
  for (std::thread& t : threads) t.join();
  for (int r : results) good &= r == 1;
  for (int* p : mine) CHECK(cudaFree(p));
  return good;
}

// Work of one device waits for an event of another; synchronising one leaves the other's alone.
bool test_order() {
  const int n = 256;
  cudaStream_t s[2];
  cudaEvent_t done[2];
  int* p[2];
  for (int d = 0; d < 2; ++d) {
    CHECK(cudaSetDevice(d));
    CHECK(cudaStreamCreate(&s[d]));
    CHECK(cudaEventCreate(&done[d]));
    CHECK(cudaMalloc(&p[d], n * sizeof(int)));
    CHECK(cudaMemset(p[d], 0, n * sizeof(int)));
    int device = -1;
    CHECK(cudaStreamGetDevice(s[d], &device));
    if (device != d) return false;
  }
  CHECK(cudaSetDevice(0));
  CHECK(cudaMemsetAsync(p[0], 1, n * sizeof(int), s[0]));
  CHECK(cudaEventRecord(done[0], s[0]));
  CHECK(cudaSetDevice(1));
  CHECK(cudaStreamWaitEvent(s[1], done[0], 0));
  CHECK(cudaMemcpyPeerAsync(p[1], 1, p[0], 0, n * sizeof(int), s[1]));
  CHECK(cudaEventRecord(done[1], s[1]));
  CHECK(cudaSetDevice(0));
  CHECK(cudaEventSynchronize(done[1]));  // of another device: may be waited for
  std::vector<int> host(n);
  CHECK(cudaMemcpy(host.data(), p[1], n * sizeof(int), cudaMemcpyDefault));
  const bool good = host == std::vector<int>(n, 0x01010101);

  expect("a launch into another device's stream",
         (add_from<<<1, 1, 0, s[1]>>>(p[0], p[0], 1), cudaPeekAtLastError()),
         cudaErrorInvalidResourceHandle);
  expect("an event in another device's stream", cudaEventRecord(done[0], s[1]),
         cudaErrorInvalidResourceHandle);
  float ms;
  expect("the time between two devices", cudaEventElapsedTime(&ms, done[0], done[1]),
         cudaErrorInvalidResourceHandle);
  expect("memory of another device", cudaMemcpyPeer(p[0], 1, p[1], 0, 4), cudaErrorInvalidValue);
  for (int d = 0; d < 2; ++d) CHECK(cudaFree(p[d]));
  return good;
}

void test_refusals(int devices) {
  int can = -1;
  CHECK(cudaSetDevice(0));
  CHECK(cudaDeviceCanAccessPeer(&can, 0, 0));
  failures += can != 0;
  CHECK(cudaDeviceCanAccessPeer(&can, 0, 1));
  failures += can != 1;
  expect("a device too many", cudaSetDevice(devices), cudaErrorInvalidDevice);
  expect("a negative device", cudaSetDevice(-1), cudaErrorInvalidDevice);
  expect("access to nobody", cudaDeviceCanAccessPeer(&can, 0, devices), cudaErrorInvalidDevice);
  expect("a device as its own peer", cudaDeviceEnablePeerAccess(0, 0), cudaErrorInvalidDevice);
  expect("a peer that is not there", cudaDeviceEnablePeerAccess(devices, 0),
         cudaErrorInvalidDevice);
  expect("flags", cudaDeviceEnablePeerAccess(1, 1), cudaErrorInvalidValue);
  expect("access never enabled", cudaDeviceDisablePeerAccess(1), cudaErrorPeerAccessNotEnabled);
  CHECK(cudaDeviceEnablePeerAccess(1, 0));
  expect("access enabled twice", cudaDeviceEnablePeerAccess(1, 0),
         cudaErrorPeerAccessAlreadyEnabled);
  CHECK(cudaDeviceDisablePeerAccess(1));
  Device<int> x(4);
  expect("a copy to nobody", cudaMemcpyPeer(x.p, devices, x.p, 0, 4), cudaErrorInvalidDevice);
  cudaDeviceProp properties;
  expect("properties of nobody", cudaGetDeviceProperties(&properties, devices),
         cudaErrorInvalidDevice);
}

int main(int argc, char** argv) {
  if (argc > 1) return plant(argv[1]);
  int devices = 0;
  CHECK(cudaGetDeviceCount(&devices));
  failures += verdict("devices", devices == 3);
  failures += verdict("ownership", test_ownership(devices));
  failures += verdict("ring", test_ring(devices));
  failures += verdict("order", test_order());
  test_refusals(devices);
  std::printf("%d refusals\n", refusals);
  return failures != 0;
}
