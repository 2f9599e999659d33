#include "nibble/cpu/pool.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "nibble/cpu/detect.h"

#if NIBBLE_OPENMP
#include <omp.h>
#endif

namespace nibble::cpu {
namespace {

// A model calls the pool again within microseconds, and waking a sleeping thread takes about ten:
// so workers and caller look for each other this long before they sleep.
constexpr std::chrono::microseconds kAwake{50};

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Whether done() came true in that time; not asked at all if `awake` is false.
template <class Done>
bool soon(bool awake, Done&& done) {
  if (!awake) return done();
  const auto end = std::chrono::steady_clock::now() + kAwake;
  do {
    for (int i = 0; i < 64; ++i, relax())
      if (done()) return true;
  } while (std::chrono::steady_clock::now() < end);
  return done();
}

class ThreadPool final : public Pool {
 public:
  // More threads than processors would wait for each other's time slices: they sleep at once.
  explicit ThreadPool(int threads)
      : ranges_(size_t(threads)), awake_(threads <= this_machine().cores) {
    for (int w = 1; w < threads; ++w) workers_.emplace_back([this, w] { work(w); });
  }
  ~ThreadPool() override {
    {
      std::lock_guard lock(mutex_);
      stop_.store(true, std::memory_order_release);
    }
    wake_.notify_all();
    for (auto& t : workers_) t.join();
  }
  int threads() const override { return int(workers_.size()) + 1; }

  void run(int64_t tasks, Task task, void* context) override {
    {
      std::lock_guard lock(mutex_);
      task_ = task, context_ = context;
      const auto n = int64_t(ranges_.size());
      for (int64_t w = 0; w < n; ++w) {
        ranges_[size_t(w)].next.store(tasks * w / n, std::memory_order_relaxed);
        ranges_[size_t(w)].end = tasks * (w + 1) / n;
      }
      busy_.store(int(workers_.size()), std::memory_order_relaxed);
      generation_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    drain(0);
    const auto idle = [this] { return busy_.load(std::memory_order_acquire) == 0; };
    if (soon(awake_, idle)) return;
    std::unique_lock lock(mutex_);
    done_.wait(lock, idle);
  }

 private:
  // Tasks that one thread takes. Neighbours are mostly neighbours in memory, so each thread gets a
  // stretch of them: two that took turns at pieces of 64 KiB read DRAM at 65 GB/s where stretches
  // give 80 (Zen 5). Who is done with his own helps the others.
  struct alignas(64) Range {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  };

  void drain(int worker) {
    const int n = int(ranges_.size());
    for (int k = 0; k < n; ++k) {
      Range& r = ranges_[size_t((worker + k) % n)];
      for (int64_t i; (i = r.next.fetch_add(1, std::memory_order_relaxed)) < r.end;)
        task_(context_, i, worker);
    }
  }

  void work(int worker) {
    uint64_t seen = 0;
    const auto called = [&] {
      return generation_.load(std::memory_order_acquire) != seen ||
             stop_.load(std::memory_order_acquire);
    };
    for (;;) {
      if (!soon(awake_, called)) {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, called);
      }
      if (stop_.load(std::memory_order_acquire)) return;
      ++seen;  // run() waits for every worker: none can miss a call
      drain(worker);
      if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        // Under the lock: the caller is either not yet waiting and will see 0, or is woken.
        std::lock_guard lock(mutex_);
        done_.notify_one();
      }
    }
  }

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::vector<Range> ranges_;
  Task task_ = nullptr;
  void* context_ = nullptr;
  std::atomic<uint64_t> generation_{0};
  std::atomic<int> busy_{0};
  std::atomic<bool> stop_{false};
  const bool awake_;
};

#if NIBBLE_OPENMP
class OpenMpPool final : public Pool {
 public:
  explicit OpenMpPool(int threads) : threads_(threads) {}
  int threads() const override { return threads_; }
  void run(int64_t tasks, Task task, void* context) override {
#pragma omp parallel for num_threads(threads_) schedule(dynamic, 1)
    for (int64_t i = 0; i < tasks; ++i) task(context, i, omp_get_thread_num());
  }

 private:
  int threads_;
};
#endif

}  // namespace

std::unique_ptr<Pool> make_pool(int threads, PoolBackend backend) {
  if (threads < 1) threads = 1;
  if (backend == PoolBackend::std_thread) return std::make_unique<ThreadPool>(threads);
#if NIBBLE_OPENMP
  return std::make_unique<OpenMpPool>(threads);
#else
  return nullptr;
#endif
}

}  // namespace nibble::cpu
