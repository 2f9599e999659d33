// parallel_for over a pool that the caller passes in. Ops never start threads of their own.
#pragma once
#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace nibble {

// A pool of workers. run() calls task(i, worker) once for each i in [0, tasks), in any order and on
// any worker in [0, threads()), and returns when all are done. Writes made by tasks are visible to
// the caller afterwards. Not re-entrant: a task must not call run() on its own pool.
class Pool {
 public:
  using Task = void (*)(void* context, int64_t index, int worker);
  virtual ~Pool() = default;
  virtual int threads() const = 0;
  virtual void run(int64_t tasks, Task task, void* context) = 0;
};

// fn(index, worker) for each index; serial and in order when pool is null or has one worker.
template <class Fn>
void parallel_tasks(Pool* pool, int64_t tasks, Fn&& fn) {
  if (!pool || pool->threads() == 1 || tasks <= 1) {
    for (int64_t i = 0; i < tasks; ++i) fn(i, 0);
    return;
  }
  using F = std::remove_reference_t<Fn>;
  pool->run(
      tasks, [](void* f, int64_t i, int worker) { (*static_cast<F*>(f))(i, worker); },
      const_cast<void*>(static_cast<const void*>(&fn)));
}

// fn(begin, end) over [0, n) in pieces of `grain`. The pieces depend on n and grain alone, never on
// the number of threads, so sums over pieces are reproducible.
template <class Fn>
void parallel_for(Pool* pool, int64_t n, int64_t grain, Fn&& fn) {
  const int64_t pieces = n <= 0 ? 0 : (n + grain - 1) / grain;
  parallel_tasks(pool, pieces,
                 [&](int64_t i, int) { fn(i * grain, std::min(n, (i + 1) * grain)); });
}

}  // namespace nibble
