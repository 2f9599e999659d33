#include "nibble/cpu/pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
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
    if (tasks >> 32 != 0) throw std::length_error("a pool runs at most 2^32 - 1 tasks a call");
    const Job job{tasks, call_.number.load(std::memory_order_relaxed) + 1, task, context};
    call_.job = job;
    // The first task is the caller's before others know of the call, and nobody is waited for
    // until it is done: lines that workers look at take long to be written.
    const Stretch own = stretch(0, job);
    const bool first = own.begin < own.end;
    workers_[0].taken.store(job.number << 32 | uint64_t(first), std::memory_order_relaxed);
    call_.number.store(job.number, std::memory_order_release);
    if (sleeping_workers_.load(std::memory_order_relaxed) > 0) rouse(called_);
    if (first) task(context, own.begin, 0);
    // Who has fallen asleep since: of this and the count that a sleeper adds to, one comes first,
    // and either he sees the call or is seen.
    if (sleeping_workers_.fetch_add(0) > 0) rouse(called_);
    take_all(0, job);
    help(0, job);
    wait(sleeping_caller_, done_, [&] {
      return std::all_of(workers_.begin() + 1, workers_.end(),
                         [&](const Worker& w) { return w.done.load() == job.number; });
    });
  }

 private:
  // What one thread writes while others read on stands in lines of its own: two, because they are
  // prefetched in pairs.
  static constexpr size_t kApart = 128;
  // 384 bytes: a copy of an op's arguments, and how the work is split.
  static constexpr int kContextLines = 6;

  struct Job {
    int64_t tasks = 0;
    uint64_t number = 0;
    Task task = nullptr;
    void* context = nullptr;
  };
  struct alignas(kApart) Call {
    std::atomic<uint64_t> number{0};
    std::atomic<bool> stop{false};
    Job job;
  };
  // Neighbouring tasks are mostly neighbours in memory, so each thread gets a stretch of them: two
  // that took turns at pieces of 64 KiB read DRAM at 65 GB/s where stretches give 80 (Zen 5). Who
  // is done with his own helps the others.
  //
  // `taken` counts the tasks that are taken of the stretch, below the number of their call. A count
  // of the call before stands for none, so that the caller need not write into lines of workers,
  // and a worker finds its own where it left it; one of the call after says that this one is over.
  struct alignas(kApart) Worker {
    std::atomic<uint64_t> taken{0};
    alignas(kApart) std::atomic<uint64_t> done{0};  // number of the last call it is done with
  };

  void stop() {
    call_.stop.store(true);
    wake(sleeping_workers_, called_);
    for (auto& t : threads_) t.join();
  }

  struct Stretch {
    int64_t begin, end;
  };
  Stretch stretch(int worker, const Job& job) const {
    const auto n = int64_t(workers_.size());
    return {job.tasks * worker / n, job.tasks * (worker + 1) / n};
  }
  // The first task of a stretch that is not taken when its count is this; its end if all are.
  static int64_t next(const Stretch& s, const Job& job, uint64_t taken) {
    const auto age = int32_t(uint32_t(job.number) - uint32_t(taken >> 32));
    if (age < 0) return s.end;
    return s.begin + (age == 0 ? int64_t(uint32_t(taken)) : 0);
  }
  bool any_left(int worker, const Job& job) const {
    const uint64_t taken = workers_[size_t(worker)].taken.load(std::memory_order_acquire);
    const Stretch s = stretch(worker, job);
    return next(s, job, taken) < s.end;
  }

  // A task of the stretch, or -1 where none is left. Takers go on from each other's count, so who
  // sees the last task taken sees what each of them wrote before it took one.
  static int64_t take(std::atomic<uint64_t>& taken, const Stretch& s, const Job& job) {
    uint64_t seen = taken.load(std::memory_order_acquire);
    for (;;) {
      const int64_t i = next(s, job, seen);
      if (i >= s.end) return -1;
      const uint64_t count = (job.number << 32) | uint64_t(i + 1 - s.begin);
      if (taken.compare_exchange_weak(seen, count, std::memory_order_acq_rel,
                                      std::memory_order_acquire))
        return i;
    }
  }
  // What is left of the worker's stretch.
  void take_all(int worker, const Job& job) {
    std::atomic<uint64_t>& taken = workers_[size_t(worker)].taken;
    const Stretch s = stretch(worker, job);
    for (int64_t i; (i = take(taken, s, job)) >= 0;) job.task(job.context, i, worker);
  }

  // Tasks of the others. A worker has said before that it is done, so that nobody waits for it to
  // look around, and takes that back before it takes a task: who sees that all tasks are taken sees
  // who is not done with his.
  void help(int worker, const Job& job) {
    const int n = int(workers_.size());
    for (int k = 1; k < n; ++k) {
      const int other = (worker + k) % n;
      while (any_left(other, job)) {
        if (worker != 0)
          workers_[size_t(worker)].done.store(job.number - 1, std::memory_order_relaxed);
        const int64_t i = take(workers_[size_t(other)].taken, stretch(other, job), job);
        if (i >= 0) job.task(job.context, i, worker);
        say_done(worker, job);
      }
    }
  }
  void say_done(int worker, const Job& job) {
    if (worker == 0) return;
    workers_[size_t(worker)].done.store(job.number);
    wake(sleeping_caller_, done_);
  }

  void work(int worker) {
    uint64_t seen = 0;
    for (;;) {
      wait(sleeping_workers_, called_, [&] { return call_.number.load() != seen || call_.stop; });
      if (call_.stop) return;
      ++seen;  // run() waits for every worker: none can miss a call
      const Job job = call_.job;
      // What tasks know stands in lines that the caller has just written: they come at once, not
      // one after another as they are read. Nothing is read: there may be less.
      for (int line = 0; line < kContextLines; ++line)
        __builtin_prefetch(static_cast<const char*>(job.context) + 64 * line);
      // Marked even if it is empty: so a count is never older than the call before.
      if (const Stretch s = stretch(worker, job); s.begin == s.end)
        workers_[size_t(worker)].taken.store(job.number << 32, std::memory_order_relaxed);
      take_all(worker, job);
      say_done(worker, job);
      help(worker, job);
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
    if (sleepers > 0) rouse(to_be_woken);
  }
  void rouse(std::condition_variable& to_be_woken) {
    // Sleepers hold the lock from their last look until they sleep.
    { std::lock_guard lock(mutex_); }
    to_be_woken.notify_all();
  }

  Call call_;
  std::vector<Worker> workers_;                           // the caller is the first
  alignas(kApart) std::atomic<int> sleeping_workers_{0};  // the caller writes it, too
  alignas(kApart) std::atomic<int> sleeping_caller_{0};
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
