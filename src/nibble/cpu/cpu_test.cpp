#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"

namespace nibble::cpu {
namespace {

TEST(Detect, ThisMachineIsPlausible) {
  const Machine& m = this_machine();
  EXPECT_GE(m.cores, 1);
  EXPECT_GE(m.l1d_bytes, 8 << 10);
  EXPECT_GT(m.memory_bytes, 64 << 20);
  EXPECT_TRUE(m.has(Isa::avx2) || !m.has(Isa::avx512));
  EXPECT_TRUE(m.has(Isa::avx2) || !m.has(Isa::avx_vnni));
}

class PoolTest : public testing::TestWithParam<PoolBackend> {};

TEST_P(PoolTest, RunsEachTaskOnceOnAValidWorker) {
  for (int threads : {1, 2, 7}) {
    const auto pool = make_pool(threads, GetParam());
    if (!pool) GTEST_SKIP() << "built without OpenMP";
    for (int round = 0; round < 200; ++round) {
      std::vector<std::atomic<int>> hits(round);
      parallel_tasks(pool.get(), round, [&](int64_t i, int worker) {
        EXPECT_GE(worker, 0);
        EXPECT_LT(worker, threads);
        hits[i].fetch_add(1);
      });
      for (auto& h : hits) ASSERT_EQ(h.load(), 1);
    }
  }
}

// Calls in quick succession, and calls so late that workers have gone to sleep meanwhile.
TEST(ThreadPool, HearsEarlyAndLateCalls) {
  constexpr int64_t kCalls = 300;
  for (int threads : {2, 5}) {
    const auto pool = make_pool(threads);
    std::vector<int64_t> sums(size_t(threads) * 16);
    for (int call = 0; call < kCalls; ++call) {
      if (call % 20 == 0) std::this_thread::sleep_for(std::chrono::microseconds(3 * call % 150));
      parallel_tasks(pool.get(), threads * 2,
                     [&](int64_t i, int worker) { sums[size_t(worker) * 16] += i + call; });
    }
    const int64_t n = threads * 2;
    EXPECT_EQ(std::accumulate(sums.begin(), sums.end(), int64_t(0)),
              kCalls * (n * (n - 1) / 2) + n * (kCalls * (kCalls - 1) / 2));
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, PoolTest,
                         testing::Values(PoolBackend::std_thread, PoolBackend::openmp));

}  // namespace
}  // namespace nibble::cpu
