// Processes that train one model together. Ranks are numbered from 0; rank 0 alone writes files.
//
// All that they exchange are sums of integers, which are the same whatever the order of addition:
// nothing that is computed with them depends on the number of ranks. A value that one rank knows is
// sent by a sum in which the others have zero.
#pragma once
#include <algorithm>
#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <vector>

#include "nibble/runtime/error.h"

namespace nibble {

// What a rank throws when another one has thrown what was wrong: nobody else needs to say it.
class ErrorElsewhere : public Error {
 public:
  using Error::Error;
};

// Calls are collective: every rank makes the same ones, in the same order, with the same sizes.
class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  // In place, each element over all ranks, modulo 2^32 or 2^64. Throws where a rank has died.
  virtual void sum(std::span<int32_t>) = 0;
  virtual void sum(std::span<int64_t>) = 0;
};

// Null stands for a process of its own.
inline int rank_of(const Communicator* c) { return c ? c->rank() : 0; }
inline int size_of(const Communicator* c) { return c ? c->size() : 1; }

// A rank's part of so many tasks: contiguous, and no two ranks differ by more than one task.
struct Share {
  int64_t begin = 0, end = 0;
};
inline Share share_of(const Communicator* c, int64_t tasks) {
  return {tasks * rank_of(c) / size_of(c), tasks * (rank_of(c) + 1) / size_of(c)};
}

// What each rank says of itself, by rank.
inline std::vector<int64_t> gather(Communicator* c, int64_t own) {
  std::vector<int64_t> all(size_t(size_of(c)));
  all[size_t(rank_of(c))] = own;
  if (c) c->sum(all);
  return all;
}

// Rank 0's values on every rank.
inline void from_rank_0(Communicator* c, std::span<int64_t> values) {
  if (!c) return;
  if (c->rank() != 0) std::fill(values.begin(), values.end(), 0);
  c->sum(values);
}

// Whether one of the ranks says so.
inline bool any_of(Communicator* c, bool own) {
  int64_t count = own;
  if (c) c->sum({&count, 1});
  return count > 0;
}

// Runs fn, which makes no collective call, on every rank, and goes on only if none has thrown: else
// the lowest rank that has throws its exception, and all others ErrorElsewhere.
template <class Fn>
void together(Communicator* c, Fn&& fn) {
  if (!c) return fn();
  std::exception_ptr thrown;
  try {
    fn();
  } catch (...) {
    thrown = std::current_exception();
  }
  const std::vector<int64_t> failed = gather(c, thrown != nullptr);
  for (int r = 0; r < c->size(); ++r) {
    if (failed[size_t(r)] == 0) continue;
    if (r == c->rank()) std::rethrow_exception(thrown);
    throw ErrorElsewhere("rank " + std::to_string(r) + " has failed");
  }
}

// For what all ranks have found alike: one of them says it.
[[noreturn]] inline void throw_once(Communicator* c, const std::string& sentence) {
  if (rank_of(c) == 0) throw Error(sentence);
  throw ErrorElsewhere(sentence);
}

// As together(), for what rank 0 does for all.
template <class Fn>
void on_rank_0(Communicator* c, Fn&& fn) {
  together(c, [&] {
    if (rank_of(c) == 0) fn();
  });
}

}  // namespace nibble
