#include "nibble/cpu/pool.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#if NIBBLE_OPENMP
#include <omp.h>
#endif

namespace nibble::cpu {
namespace {

class ThreadPool final : public Pool {
 public:
  explicit ThreadPool(int threads) {
    for (int w = 1; w < threads; ++w) workers_.emplace_back([this, w] { work(w); });
  }
  ~ThreadPool() override {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (auto& t : workers_) t.join();
  }
  int threads() const override { return int(workers_.size()) + 1; }

  void run(int64_t tasks, Task task, void* context) override {
    {
      std::lock_guard lock(mutex_);
      task_ = task, context_ = context, tasks_ = tasks;
      next_.store(0, std::memory_order_relaxed);
      busy_ = int(workers_.size());
      ++generation_;
    }
    wake_.notify_all();
    drain(0);
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return busy_ == 0; });
  }

 private:
  void drain(int worker) {
    for (int64_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < tasks_;)
      task_(context_, i, worker);
  }

  void work(int worker) {
    uint64_t seen = 0;
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return stop_ || generation_ != seen; });
        if (stop_) return;
        seen = generation_;
      }
      drain(worker);
      std::lock_guard lock(mutex_);
      if (--busy_ == 0) done_.notify_one();
    }
  }

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::atomic<int64_t> next_{0};
  Task task_ = nullptr;
  void* context_ = nullptr;
  int64_t tasks_ = 0;
  uint64_t generation_ = 0;
  int busy_ = 0;
  bool stop_ = false;
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
