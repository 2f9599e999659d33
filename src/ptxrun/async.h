// Work that an instruction starts and that completes later: copies in bulk, tensor cores.
//
// When it takes effect is open; the schedule decides: at once (eager), when somebody waits for the
// mbarrier it completes on or nobody else can go on (lazy), or one of the two (random). Checks are
// made at the issue, so that they do not depend on it.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "access.h"
#include "machine.h"

namespace ptxrun {

struct Work {
  Warp* by = nullptr;
  const Op* op = nullptr;
  uint32_t lane = 0;
  uint64_t queue = 0;       // work of one queue runs in order; 0: in any
  Block* target = nullptr;  // whose mbarrier it completes on, and where; null: on none
  uint32_t target_at = 0;
  std::function<void()> run;
};

// Of a cluster: what was started and has not run.
struct Pending {
  std::deque<Work> work;
};

bool runs_now(Warp& warp);  // the schedule's choice
void issue(Warp& warp, Work work);
// Runs what completes on an mbarrier, or all; false if there was nothing.
bool run_pending(Cluster& cluster, const Block* target, uint32_t at);
bool run_all(Cluster& cluster);
// Some of it, as chance will have it.
void run_some(Cluster& cluster, class Random& random);

// ---- groups of a thread's bulk copies: cp.async.bulk.commit_group ----

struct BulkCopy {
  std::function<void()> read, write;  // read keeps the source's bytes; both run once, in this order
  uint32_t time = 0;                  // of the checker's agents
  bool has_read = false, was_waited = false;
  void finish_read() {
    if (!has_read) read();
    has_read = true;
  }
};
struct Bulk {
  std::vector<BulkCopy> open[kLanes];
  std::deque<std::vector<BulkCopy>> groups[kLanes];
};
void add_bulk(Warp& warp, int lane, BulkCopy copy);
void commit_bulk(Warp& warp, int lane);
// Waits until at most `left` groups are unfinished; `reads`: until their sources may be changed.
void wait_bulk(Warp& warp, int lane, size_t left, bool reads);
// At the block's end: finishes everything; true if something had not been waited for.
bool drain_bulk(Warp& warp);

}  // namespace ptxrun
