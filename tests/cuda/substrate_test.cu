// The layer between ops and the CUDA runtime: launches with their attributes, graphs, memory,
// arenas, streams, errors, ranges. Under ptxrun as an H200, and on any device from sm_90 on.
#include <cooperative_groups.h>

#include <cstdio>
#include <string>
#include <vector>

#include "nibble/cuda/device.h"
#include "nibble/cuda/error.h"
#include "nibble/cuda/launch.cuh"
#include "nibble/cuda/memory.h"
#include "nibble/cuda/nvtx.h"
#include "nibble/cuda/ptx/dependency.cuh"
#include "nibble/cuda/stream.h"

namespace {

using namespace nibble::cuda;
using nibble::Exec;
using nibble::Status;
namespace cg = cooperative_groups;

int failures = 0;
void expect(bool good, const char* what) {
  if (!good) ++failures;
  std::printf("%-58s %s\n", what, good ? "ok" : "FAILED");
}
void expect_ok(const Status& s, const char* what) {
  expect(s.ok(), s.ok() ? what : (std::string(what) + ": " + s.why()).c_str());
}
bool says(const Status& s, const char* words) { return s.why().find(words) != std::string::npos; }

__global__ void __launch_bounds__(32, 1) add_one(int* at) { at[threadIdx.x] += 1; }
__global__ void __launch_bounds__(32, 1) double_after(int* at) {
  ptx::wait_for_previous();
  at[threadIdx.x] *= 2;
}
__global__ void __launch_bounds__(32, 1) cluster_shape(unsigned* out) {
  const cg::cluster_group cluster = cg::this_cluster();
  if (threadIdx.x == 0) out[blockIdx.x] = cluster.num_blocks() * 100 + cluster.block_rank();
}
// Every block sees what all others wrote, which takes all of them at once.
__global__ void __launch_bounds__(32, 1) sum_of_all(unsigned* mine, unsigned* out) {
  const cg::grid_group grid = cg::this_grid();
  if (threadIdx.x == 0) mine[blockIdx.x] = blockIdx.x + 1;
  grid.sync();
  unsigned sum = 0;
  for (unsigned b = 0; b < gridDim.x; ++b) sum += mine[b];
  if (threadIdx.x == 0) out[blockIdx.x] = sum;
}
// Writes all dynamic shared memory and reads its last word back.
__global__ void __launch_bounds__(256, 1) last_word(unsigned words, unsigned* out) {
  extern __shared__ unsigned shared[];
  for (unsigned i = threadIdx.x; i < words; i += blockDim.x) shared[i] = i;
  __syncthreads();
  if (threadIdx.x == 0) *out = shared[words - 1];
}

template <class T>
std::vector<T> values(const Memory& m, void* stream) {
  std::vector<T> host(m.bytes() / sizeof(T));
  expect_ok(copy(host.data(), m.data(), m.bytes(), stream), "copying to the host");
  expect_ok(synchronize(stream), "waiting for the stream");
  return host;
}
template <class T>
T* as(const Memory& m) {
  return reinterpret_cast<T*>(m.data());
}

void test_launches(void* stream) {
  Memory out, mine;
  expect_ok(out.allocate(8 * sizeof(unsigned)), "allocating");
  expect_ok(mine.allocate(8 * sizeof(unsigned)), "allocating");
  launch(cluster_shape, {.grid = 8, .block = 32, .cluster = 4}, {.stream = stream},
         as<unsigned>(out));
  auto got = values<unsigned>(out, stream);
  bool good = true;
  for (unsigned b = 0; b < 8; ++b) good &= got[b] == 400 + b % 4;
  expect(good, "clusters of 4");
  launch(cluster_shape, {.grid = 8, .block = 32}, {.stream = stream}, as<unsigned>(out));
  got = values<unsigned>(out, stream);
  expect(got == std::vector<unsigned>(8, 100), "no clusters if none are asked for");
  launch(cluster_shape, {.grid = 6, .block = 32, .cluster = 4}, {.stream = stream},
         as<unsigned>(out));
  expect(!take_launch_error("launching 6 blocks in clusters of 4").ok(),
         "a grid that is no multiple of the cluster is refused");
  expect(take_launch_error("launching").ok(), "an error that was taken is forgotten");

  launch(sum_of_all, {.grid = 8, .block = 32, .cooperative = true}, {.stream = stream},
         as<unsigned>(mine), as<unsigned>(out));
  expect(values<unsigned>(out, stream) == std::vector<unsigned>(8, 36), "a cooperative grid meets");
  launch(sum_of_all, {.grid = 1u << 20, .block = 32, .cooperative = true}, {.stream = stream},
         as<unsigned>(mine), as<unsigned>(out));
  expect(says(take_launch_error("launching a million blocks"), "launching a million blocks: cuda"),
         "a cooperative grid that does not fit is refused, in words");

  constexpr unsigned kWords = 200 * 1024 / 4;
  launch(last_word, {.grid = 1, .block = 256, .smem_bytes = 4 * kWords}, {.stream = stream}, kWords,
         as<unsigned>(out));
  expect(values<unsigned>(out, stream)[0] == kWords - 1, "200 KiB of shared memory");
  launch(last_word, {.grid = 1, .block = 256, .smem_bytes = 300 * 1024}, {.stream = stream}, 1u,
         as<unsigned>(out));
  expect(!synchronize(stream).ok(), "300 KiB are refused: synchronize() tells");
  expect_ok(synchronize(stream), "and the stream goes on");
}

void test_graphs(void* stream) {
  Memory at;
  expect_ok(at.allocate(32 * sizeof(int)), "allocating");
  expect_ok(fill(at.data(), std::byte{0}, at.bytes(), stream), "filling");
  const Exec exec{.stream = stream};
  Graph graph;
  expect_ok(graph.begin(stream), "beginning a graph");
  launch(add_one, {.grid = 1, .block = 32}, exec, as<int>(at));
  launch(double_after, {.grid = 1, .block = 32, .overlaps_previous = true}, exec, as<int>(at));
  launch(add_one, {.grid = 1, .block = 32}, exec, as<int>(at));
  expect_ok(graph.end(stream), "ending it");
  expect(values<int>(at, stream) == std::vector<int>(32, 0), "what is captured does not run");
  for (int i = 0; i < 3; ++i) expect_ok(graph.launch(stream), "launching the graph");
  // x -> 2 (x + 1) + 1: 3, 9, 21
  expect(values<int>(at, stream) == std::vector<int>(32, 21), "three launches of three kernels");
  Graph moved = std::move(graph);
  expect_ok(moved.launch(stream), "a graph that was moved");
  expect(!graph.launch(stream).ok(), "and where it was there is none");
  expect(values<int>(at, stream) == std::vector<int>(32, 45), "it ran once");
  expect(!Graph().end(stream).ok(), "ending what was not begun is refused");
}

void test_memory(void* stream) {
  Memory a, b;
  expect_ok(a.allocate(1000), "allocating");
  std::byte* const first = a.data();
  expect(reinterpret_cast<uintptr_t>(first) % 256 == 0, "memory begins at a multiple of 256");
  b = std::move(a);
  expect(b.data() == first && b.bytes() == 1000, "moved memory stays where it is");
  expect_ok(fill(b.data(), std::byte{7}, 500, stream), "filling");
  expect_ok(fill(b.data() + 500, std::byte{9}, 500, stream), "filling");
  const auto got = values<uint8_t>(b, stream);
  expect(got[0] == 7 && got[499] == 7 && got[500] == 9 && got[999] == 9, "two halves");
  b.release();
  expect(b.data() == nullptr && b.bytes() == 0, "released memory is gone");
  expect(says(a.allocate(size_t(1) << 60), "allocating 1152921504606846976 bytes: cuda"),
         "too much memory is refused, in words");
  expect(a.data() == nullptr, "and leaves none");
}

void test_arena() {
  Arena arena;
  expect(arena.take(1) == nullptr, "an arena without memory gives none");
  expect_ok(arena.reserve(1024), "reserving");
  auto* const a = static_cast<std::byte*>(arena.take(10));
  auto* const b = static_cast<std::byte*>(arena.take(10));
  auto* const c = static_cast<std::byte*>(arena.take(1, 16));
  auto* const d = static_cast<std::byte*>(arena.take(0));
  expect(b == a + 256 && c == a + 272 && d == a + 512, "pieces are aligned and apart");
  expect(arena.take(513) == nullptr, "more than is left: none");
  expect(arena.take(~size_t(0)) == nullptr, "more than there can be: none");
  expect(arena.take(512) == a + 512, "all that is left");
  expect(arena.take(1, 1) == nullptr && arena.peak_bytes() == 1024, "then it is full");
  arena.reset();
  expect(arena.take(1024) == a, "after a reset all of it again");
  expect_ok(arena.reserve(256), "reserving less");
  expect(arena.take(257) == nullptr && arena.take(256) != nullptr, "is less");
}

void test_streams() {
  Stream one, two;
  expect_ok(one.create(), "a stream");
  expect_ok(two.create(), "another one");
  expect(one.get() != two.get(), "are two");
  Event before, after;
  float ms = -1;
  expect_ok(before.create(), "an event");
  expect_ok(after.create(), "another one");
  Memory at;
  expect_ok(at.allocate(32 * sizeof(int)), "allocating");
  expect_ok(before.record(one.get()), "recording");
  launch(add_one, {.grid = 1, .block = 32}, {.stream = one.get()}, as<int>(at));
  expect_ok(after.record(one.get()), "recording");
  expect_ok(Event::between(before, after, ms), "time between events");
  expect(ms > 0, "is more than none");
}

// An injected library writes what NVTX is told, see nvtx_listener.cpp.
void test_ranges() {
  std::fflush(stdout);
  const Range outer("a token");
  { const Range inner("attention"); }
  const Range next("experts");
}

}  // namespace

int main() {
  nibble::Machine m;
  expect(device_count() > 0, "there is a device");
  expect_ok(add_device(m), "asking for it");
  expect(m.isas.contains(nibble::Isa::sm80) && m.sm_count > 0 && m.smem_bytes > 48 * 1024,
         "it says what it is");
  if (is_virtual(m))
    expect(m.isas == isas_of(9, 0) && m.sm_count == 132 && m.smem_bytes == 232448,
           "ptxrun's is an H200");
  expect(multiprocessors() == m.sm_count, "the count that plans are made with");
  Stream stream;
  expect_ok(stream.create(), "a stream");
  test_launches(stream.get());
  test_graphs(stream.get());
  test_memory(stream.get());
  test_arena();
  test_streams();
  test_ranges();
  return failures ? 1 : 0;
}
