// Processes that a launcher such as mpirun started together.
#pragma once
#include <atomic>
#include <functional>
#include <memory>

#include "nibble/runtime/communicator.h"

namespace nibble::app {

struct Launch {
  int rank = 0, size = 1;
  int local_size = 1;  // on this machine
};
Launch launch();  // as the launcher's environment says

// Null for a process of its own. `stalled` as in MpiOptions.
std::unique_ptr<Communicator> join_ranks(const std::atomic<bool>& interrupted,
                                         std::function<void()> stalled);

// Of the processors that this process may use, those that its neighbours leave to it.
int threads_of_rank(int cores);

}  // namespace nibble::app
