#include "nibble/cpu/pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <system_error>
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
      : workers_(size_t(threads)), awake_(threads <= this_machine().cores) {
    try {
      for (int w = 1; w < threads; ++w) threads_.emplace_back([this, w] { work(w); });
    } catch (const std::system_error& e) {
      const std::string why = "cannot start thread " + std::to_string(threads_.size() + 2) +
                              " of " + std::to_string(threads);
      stop();
      throw std::system_error(e.code(), why);
    } catch (...) {
      stop();
      throw;
    }
  }
  ~ThreadPool() override { stop(); }
  int threads() const override { return int(workers_.size()); }

  void run(int64_t tasks, Task task, void* context) override {
    const auto n = int64_t(workers_.size());
    for (int64_t w = 0; w < n; ++w) {
      workers_[size_t(w)].next.store(tasks * w / n, std::memory_order_relaxed);
      workers_[size_t(w)].end = tasks * (w + 1) / n;
    }
    call_.task = task, call_.context = context;
    const uint64_t number = call_.number.load(std::memory_order_relaxed) + 1;
    call_.number.store(number);
    wake(sleeping_workers_, called_);
    drain(0);
    wait(sleeping_caller_, done_, [&] {
      return std::all_of(workers_.begin() + 1, workers_.end(),
                         [&](const Worker& w) { return w.done.load() == number; });
    });
  }

 private:
  // What one thread writes while others read on stands in lines of its own: two, because they are
  // prefetched in pairs.
  static constexpr size_t kApart = 128;

  struct alignas(kApart) Call {
    std::atomic<uint64_t> number{0};
    std::atomic<bool> stop{false};
    Task task = nullptr;
    void* context = nullptr;
  };
  // Tasks that one thread takes. Neighbours are mostly neighbours in memory, so each thread gets a
  // stretch of them: two that took turns at pieces of 64 KiB read DRAM at 65 GB/s where stretches
  // give 80 (Zen 5). Who is done with his own helps the others.
  struct alignas(kApart) Worker {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
    alignas(kApart) std::atomic<uint64_t> done{0};  // number of the last call it is done with
  };

  void stop() {
    call_.stop.store(true);
    wake(sleeping_workers_, called_);
    for (auto& t : threads_) t.join();
  }

  void drain(int worker) {
    const int n = int(workers_.size());
    for (int k = 0; k < n; ++k) {
      Worker& w = workers_[size_t((worker + k) % n)];
      while (w.next.load(std::memory_order_relaxed) < w.end) {
        const int64_t i = w.next.fetch_add(1, std::memory_order_relaxed);
        if (i < w.end) call_.task(call_.context, i, worker);
      }
    }
  }

  void work(int worker) {
    uint64_t seen = 0;
    for (;;) {
      wait(sleeping_workers_, called_, [&] { return call_.number.load() != seen || call_.stop; });
      if (call_.stop) return;
      ++seen;  // run() waits for every worker: none can miss a call
      drain(worker);
      workers_[size_t(worker)].done.store(seen);
      wake(sleeping_caller_, done_);
    }
  }

  // Who waits counts himself among the sleepers before he looks for the last time, and who wakes
  // has written before he looks for sleepers: in the one order of all these accesses, one of them
  // comes first and the other sees it. The mutex is not touched where nobody sleeps.
  template <class Ready>
  void wait(std::atomic<int>& sleepers, std::condition_variable& to_be_woken, Ready&& ready) {
    if (soon(awake_, ready)) return;
    std::unique_lock lock(mutex_);
    ++sleepers;
    to_be_woken.wait(lock, ready);
    --sleepers;
  }
  void wake(std::atomic<int>& sleepers, std::condition_variable& to_be_woken) {
    if (sleepers == 0) return;
    // Sleepers hold the lock from their last look until they sleep.
    { std::lock_guard lock(mutex_); }
    to_be_woken.notify_all();
  }

  Call call_;
  std::vector<Worker> workers_;  // the caller is the first
  alignas(kApart) std::atomic<int> sleeping_workers_{0}, sleeping_caller_{0};
  std::mutex mutex_;
  std::condition_variable called_, done_;
  const bool awake_;
  std::vector<std::thread> threads_;
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
