#include "async.h"

#include <algorithm>

#include "check.h"
#include "random.h"

namespace ptxrun {
namespace {

// The finding of a fault names the instruction that started the work.
void execute(Work& work) {
  Warp& w = *work.by;
  const Op* const op = w.op;
  w.op = work.op;
  w.block->launch->blamed = &w;
  work.run();
  w.block->launch->blamed = nullptr;
  w.op = op;
}

template <class Wanted>
bool run_if(Cluster& cluster, Wanted wanted) {
  if (!cluster.pending) return false;
  auto& all = cluster.pending->work;
  bool any = false;
  for (size_t k = 0; k < all.size();) {
    if (!wanted(all[k])) {
      ++k;
      continue;
    }
    // what is before it in its queue goes first
    size_t first = k;
    if (all[k].queue)
      for (size_t i = 0; i < k && first == k; ++i)
        if (all[i].queue == all[k].queue) first = i;
    Work work = std::move(all[first]);
    all.erase(all.begin() + long(first));
    execute(work);
    any = true;
    k = first < k ? k - 1 : k;
  }
  return any;
}

Bulk& bulk_of(Warp& w) {
  if (!w.bulk) w.bulk = std::make_shared<Bulk>();
  return *w.bulk;
}

}  // namespace

bool runs_now(Warp& w) {
  const Schedule s = w.block->launch->schedule;
  return s == Schedule::eager || (s == Schedule::random && (w.steps * 2654435761u >> 7 & 1));
}

void issue(Warp& w, Work work) {
  Cluster& c = *w.block->cluster;
  ++w.block->launch->progress;
  const bool behind = work.queue && c.pending &&
                      std::any_of(c.pending->work.begin(), c.pending->work.end(),
                                  [&](const Work& x) { return x.queue == work.queue; });
  if (!behind && runs_now(w)) return execute(work);
  if (!c.pending) c.pending = std::make_shared<Pending>();
  c.pending->work.push_back(std::move(work));
}

bool run_pending(Cluster& cluster, const Block* target, uint32_t at) {
  return run_if(cluster, [&](const Work& w) { return w.target == target && w.target_at == at; });
}
bool run_all(Cluster& cluster) {
  return run_if(cluster, [](const Work&) { return true; });
}
void run_some(Cluster& cluster, Random& random) {
  run_if(cluster, [&](const Work&) { return random.below(4) == 0; });
}

void add_bulk(Warp& w, int lane, BulkCopy copy) {
  if (runs_now(w)) {
    copy.finish_read();
    copy.write();
    copy.write = [] {};
  }
  if (Checker* c = w.block->launch->checker.get())
    copy.time = c->agent(w, AgentKind::bulk_read).time;
  bulk_of(w).open[lane].push_back(std::move(copy));
}
void commit_bulk(Warp& w, int lane) {
  Bulk& b = bulk_of(w);
  b.groups[lane].push_back(std::move(b.open[lane]));
  b.open[lane].clear();
  if (Checker* c = w.block->launch->checker.get())
    c->advance(w, AgentKind::bulk_read), c->advance(w, AgentKind::bulk_write);
}
void wait_bulk(Warp& w, int lane, size_t left, bool reads) {
  Bulk& b = bulk_of(w);
  auto& groups = b.groups[lane];
  Checker* const checker = w.block->launch->checker.get();
  const size_t done = groups.size() > left ? groups.size() - left : 0;
  for (size_t k = 0; k < done; ++k)
    for (BulkCopy& copy : groups[k]) {
      copy.finish_read();
      copy.was_waited = true;
      if (!reads) copy.write();
      if (!checker) continue;
      checker->waited(w, AgentKind::bulk_read, copy.time);
      if (!reads) checker->waited(w, AgentKind::bulk_write, copy.time);
    }
  if (!reads) groups.erase(groups.begin(), groups.begin() + long(done));
  if (done) ++w.block->launch->progress;
}
bool drain_bulk(Warp& w) {
  if (!w.bulk) return false;
  bool unread = false;
  for (int l = 0; l < kLanes; ++l) {
    auto finish = [&](std::vector<BulkCopy>& copies) {
      for (BulkCopy& c : copies) {
        unread |= !c.was_waited;
        c.finish_read();
        c.write();
      }
    };
    for (auto& g : w.bulk->groups[l]) finish(g);
    finish(w.bulk->open[l]);
  }
  w.bulk.reset();
  return unread;
}

}  // namespace ptxrun
