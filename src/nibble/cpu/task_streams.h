// Tasks that read memory one after another, for many threads. Internal linkage: for ISA files too.
#pragma once
#include <algorithm>
#include <cstdint>

#include "nibble/base/parallel.h"

namespace nibble::cpu {
namespace {

// As parallel_for. Pools hand out tasks in order, so that each of T threads takes about every T-th:
// here these are neighbours in memory, and what one thread has prefetched behind the end of a task
// is what it needs next. Pieces do not depend on T, only their order does.
template <class Fn>
void parallel_streams(Pool* pool, int64_t n, int64_t grain, Fn&& fn) {
  const int64_t pieces = n <= 0 ? 0 : (n + grain - 1) / grain;
  const int64_t threads = pool ? std::max(1, pool->threads()) : 1;
  const int64_t stream = (pieces + threads - 1) / threads;
  parallel_tasks(pool, stream * threads, [&](int64_t i, int) {
    const int64_t piece = i % threads * stream + i / threads;
    if (piece < pieces) fn(piece * grain, std::min(n, (piece + 1) * grain));
  });
}

}  // namespace
}  // namespace nibble::cpu
