// Ranks that are processes which an MPI launcher started, on one machine or many.
#pragma once
#include <atomic>
#include <functional>
#include <memory>

#include "nibble/runtime/communicator.h"

namespace nibble {

struct MpiOptions {
  // Where a rank dies, MPI tells nobody; its launcher sends SIGTERM to the others, and SIGKILL a
  // second later. So a rank that was told to stop and still waits for the others calls `stalled`
  // once: its last chance to say something.
  const std::atomic<bool>* interrupted = nullptr;
  std::function<void()> stalled;
};

// Initialises MPI: once a process, on the thread that makes all calls. The destructor ends MPI on
// all ranks when all of them have come to it; a rank that comes alone ends the others.
std::unique_ptr<Communicator> make_mpi_communicator(MpiOptions);

}  // namespace nibble
