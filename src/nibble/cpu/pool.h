// Backends of nibble::Pool.
#pragma once
#include <memory>

#include "nibble/base/parallel.h"

namespace nibble::cpu {

enum class PoolBackend { std_thread, openmp };

// A pool of `threads` workers, the caller being worker 0, for at most 2^32 - 1 tasks a call. The
// std::thread backend puts its workers to sleep when no call has come for some microseconds and is
// what servers, MPI ranks and sanitizers use; OpenMP shares the application's team and is null
// where this build has no OpenMP.
std::unique_ptr<Pool> make_pool(int threads, PoolBackend backend = PoolBackend::std_thread);

}  // namespace nibble::cpu
