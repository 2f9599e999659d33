// A pool that claims to have several workers and runs every task on the calling thread, in an order
// that a real pool may take: out of order, worker ids going round. What a variant gets wrong about
// order or about the number of threads it gets wrong here every time, and faults can be caught.
#pragma once
#include "nibble/base/parallel.h"

namespace nibble::harness {

class SerialPool final : public Pool {
 public:
  explicit SerialPool(int threads) : threads_(threads) {}
  int threads() const override { return threads_; }
  // Backwards: the order furthest from the one in which a loop would do it.
  void run(int64_t tasks, Task task, void* context) override {
    for (int64_t i = tasks; i-- > 0;) task(context, i, int(i % threads_));
  }

 private:
  int threads_;
};

}  // namespace nibble::harness
