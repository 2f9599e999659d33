#include "warp.h"

#include <algorithm>

#include "call.h"
#include "check.h"
#include "flight.h"
#include "mbarrier.h"
#include "op_cluster.h"
#include "registers.h"
#include "special.h"

namespace ptxrun {
namespace {

// While a warp is split, one group must not starve the others: a lane may spin on what another
// lane of its own warp does. After this many instructions of being split the turn goes to another
// group; a branch whose sides meet before that is never cut by a turn.
constexpr uint64_t kTurn = 2048;

bool same_place(const Group& a, const Group& b) { return a.pc == b.pc && a.returns == b.returns; }

void merge(Warp& w) {
  for (size_t i = 0; i < w.groups.size(); ++i)
    for (size_t k = i + 1; k < w.groups.size();) {
      Group &a = w.groups[i], &b = w.groups[k];
      if (a.wait == Group::Wait::barrier || b.wait == Group::Wait::barrier || !same_place(a, b) ||
          a.wait == Group::Wait::event || b.wait == Group::Wait::event) {
        ++k;
        continue;
      }
      a.mask |= b.mask;
      a.wait = Group::Wait::none;
      w.groups.erase(w.groups.begin() + long(k));
    }
}

bool runnable(const Warp& w, const Group& g) {
  return g.wait == Group::Wait::none ||
         (g.wait == Group::Wait::event && (g.expired || g.seen != w.block->launch->progress));
}

// The runnable group that is furthest behind, so that the others are caught up with; every other
// turn the one furthest ahead.
size_t choose(Warp& w) {
  const bool ahead = (w.steps - w.whole_until) / kTurn % 2 == 1;
  size_t best = w.groups.size();
  for (size_t i = 0; i < w.groups.size(); ++i) {
    if (!runnable(w, w.groups[i])) continue;
    if (best == w.groups.size() ||
        (ahead ? w.groups[i].pc > w.groups[best].pc : w.groups[i].pc < w.groups[best].pc))
      best = i;
  }
  return best;
}

void wake_together(Warp& w) {
  for (Group& g : w.groups)
    if (g.wait == Group::Wait::together) g.wait = Group::Wait::none;
}

// bar.warp.sync may be executed at different places: lanes that wait at one with the same members
// are together wherever they are. True if somebody was released.
bool join_warp_barriers(Warp& w) {
  const std::vector<Op>& code = w.block->launch->kernel->code;
  auto members = [&](const Group& g) -> uint32_t {
    const Op& op = code[g.pc];
    if (g.wait != Group::Wait::together || !op.is_warp_barrier) return 0;
    return w.reg<uint32_t>(op.a[5])[std::countr_zero(g.mask)];
  };
  for (const Group& g : w.groups) {
    const uint32_t need = members(g);
    if (!need) continue;
    uint32_t there = 0;
    for (const Group& x : w.groups)
      if (members(x) == need) there |= x.mask;
    if (need & w.live & ~there) continue;
    const Op& op = code[g.pc];
    for (Group& x : w.groups)
      if (members(x) == need) x.wait = Group::Wait::none, ++x.pc;
    op.run(w, op, there & need);
    return true;
  }
  return false;
}

// Lanes `part` of group `at` go to `pc` as a group of their own, or the whole group does.
size_t split(Warp& w, size_t at, uint32_t part, uint32_t pc) {
  Group& g = w.groups[at];
  if (part == g.mask) {
    g.pc = pc;
    return at;
  }
  Group other = g;
  g.mask &= ~part;
  other.mask = part, other.pc = pc;
  w.groups.push_back(std::move(other));
  return w.groups.size() - 1;
}

// A collective executes once for each set of lanes that named the same members, when all members
// that have not exited are there. The others wait at the instruction.
// An aligned one, for which the whole warp has come, may ask to be executed again.
void collective(Warp& w, size_t at, const Op& op, uint32_t active) {
  const uint32_t pc = w.groups[at].pc;
  w.again = false;
  const uint32_t* members = op.flow == Flow::collective ? w.reg<uint32_t>(op.a[5]) : nullptr;
  uint32_t waiting = 0;
  for (uint32_t left = active; left;) {
    const int first = std::countr_zero(left);
    const uint32_t need = members ? members[first] : kAll;
    uint32_t part = 0;
    each_lane(left, [&](int l) { part |= uint32_t(!members || members[l] == need) << l; });
    left &= ~part;
    if (part & ~need)
      throw Fault{FaultKind::misuse,
                  "lanes " + lanes_text(part & ~need) +
                      " execute it without being in their member mask " + lanes_text(need),
                  part};
    if (need & w.live & ~part) {
      waiting |= part;
      continue;
    }
    if (need & ~w.exists && members && need != kAll)
      note(w, FaultKind::misuse,
           "the member mask names lanes that do not exist: " + lanes_text(need & ~w.exists), part);
    op.run(w, op, part);
  }
  if (w.again) {
    if (Launch& l = *w.block->launch; !l.counts.empty()) {
      Count& c = l.counts[number_of(l, op)];
      --c.warps, c.lanes -= uint64_t(std::popcount(active));
    }
    w.groups[at].wait = Group::Wait::event, w.groups[at].seen = w.block->launch->progress;
    return;
  }
  if (!waiting) {
    w.groups[at].wait = Group::Wait::none;
    w.groups[at].pc = pc + 1;
    return;
  }
  const uint32_t passed = w.groups[at].mask & ~waiting;
  if (passed) split(w, at, passed, pc + 1);
  w.groups[at].wait = Group::Wait::together;
}

void arrive(Warp& w, size_t at, const Op& op, uint32_t active) {
  const uint32_t id = w.reg<uint32_t>(op.a[0])[std::countr_zero(active)];
  if (id >= 16)
    throw Fault{FaultKind::misuse, "barrier " + std::to_string(id) + ": allowed are 0 to 15",
                active};
  Barrier& b = w.block->barriers[id];
  const uint32_t count = op.mode[1] ? w.reg<uint32_t>(op.a[1])[std::countr_zero(active)] : 0;
  if (op.mode[1] && (count == 0 || count % kLanes))
    throw Fault{FaultKind::misuse,
                "barrier with a thread count of " + std::to_string(count) +
                    ", which is not a positive multiple of 32",
                active};
  if (b.active && b.expected != count)
    throw Fault{FaultKind::misuse,
                "barrier " + std::to_string(id) + " expects " +
                    (b.expected ? std::to_string(b.expected) : "all") +
                    " threads, but these arrive with a count of " +
                    (count ? std::to_string(count) : "all"),
                active};
  b.active = true, b.expected = count;
  b.lanes += uint32_t(std::popcount(active));
  b.threads += active == w.live ? uint32_t(kLanes) : uint32_t(std::popcount(active));
  if (op.mode[0] == 2) {
    const uint32_t p = w.pred(op, 3) & active;
    b.popc += uint32_t(std::popcount(p));
    b.any |= p != 0, b.all &= p == active;
  }
  ++w.block->launch->progress;
  if (Checker* c = w.block->launch->checker.get()) c->arrive(w, int(id));
  const size_t group = split(w, at, active, w.groups[at].pc + 1);
  if (group != at) ++w.groups[at].pc;
  if (op.mode[0] != 1) {
    w.groups[group].wait = Group::Wait::barrier;
    w.groups[group].barrier = int(id);
  }
  complete_barriers(*w.block);
}

void leave(Warp& w, size_t at, uint32_t active) {
  w.live &= ~active;
  w.block->live_threads -= uint32_t(std::popcount(active));
  ++w.block->launch->progress;
  if (active == w.groups[at].mask) {
    w.groups.erase(w.groups.begin() + long(at));
  } else {
    w.groups[at].mask &= ~active;
    ++w.groups[at].pc;
  }
  wake_together(w);
  complete_barriers(*w.block);
  complete_cluster_barrier(*w.block);
}

void give_back(Warp& w, size_t at, uint32_t active) {
  const uint32_t back = w.groups[at].returns.back();
  const Op& call = w.block->launch->kernel->code[back - 1];
  const uint32_t pc = w.groups[at].pc;
  copy_results(w, call, active);
  const size_t group = split(w, at, active, back);
  w.groups[group].returns.pop_back();
  if (group != at) w.groups[at].pc = pc + 1;
}

// Executes one instruction that is not straight. The groups may have changed afterwards.
void turn(Warp& w, size_t at, const Op& op, uint32_t active) {
  Group& g = w.groups[at];
  switch (op.flow) {
    case Flow::branch:
      if (!active)
        ++g.pc;
      else if (active == g.mask)
        g.pc = op.target;
      else {
        split(w, at, active, op.target);
        ++w.groups[at].pc;
      }
      break;
    case Flow::call: {
      if (!active) {
        ++g.pc;
        break;
      }
      op.run(w, op, active);
      const uint32_t back = g.pc + 1;
      const size_t group = split(w, at, active, op.target);
      if (group != at) ++w.groups[at].pc;
      w.groups[group].returns.push_back(back);
      if (w.groups[group].returns.size() > 64)
        throw Fault{FaultKind::refused, "recursion: calls nest more than 64 deep", active};
      break;
    }
    case Flow::give_back:
      active ? give_back(w, at, active) : void(++g.pc);
      break;
    case Flow::leave:
      active ? leave(w, at, active) : void(++g.pc);
      break;
    case Flow::barrier:
      if (!active) {
        ++g.pc;
      } else if (op.mode[3] && active != w.live) {
        // An aligned barrier is for the whole warp: wait for the lanes that are elsewhere.
        const uint32_t pc = g.pc, passed = g.mask & ~active;
        if (passed) split(w, at, passed, pc + 1);
        w.groups[at].wait = Group::Wait::together;
      } else {
        arrive(w, at, op, active);
      }
      break;
    case Flow::retry:
      if (!active) {
        ++g.pc;
        break;
      }
      w.again = false, w.group = &g;
      op.run(w, op, active);
      if (w.again) {
        g.wait = Group::Wait::event, g.seen = w.block->launch->progress;
      } else {
        g.wait = Group::Wait::none, g.expired = false, g.mbarrier = nullptr;
        ++g.pc;
      }
      break;
    case Flow::collective:
    case Flow::aligned:
      active ? collective(w, at, op, active) : void(++g.pc);
      break;
    default:
      break;
  }
}

}  // namespace

void complete_barriers(Block& block) {
  Checker* const checker = block.launch->checker.get();
  for (size_t id = 0; id < block.barriers.size(); ++id) {
    Barrier& b = block.barriers[id];
    if (!b.active) continue;
    if (b.expected ? b.threads < b.expected : b.lanes < block.live_threads) continue;
    for (auto& w : block.warps)
      for (Group& g : w->groups) {
        if (g.wait != Group::Wait::barrier || g.barrier != int(id)) continue;
        g.wait = Group::Wait::none;
        if (checker) checker->pass(*w, int(id));
        const Op& op = block.launch->kernel->code[g.pc - 1];
        if (op.mode[0] != 2) continue;
        if (op.mode[2] == 0)
          each_lane(g.mask, [&](int l) { w->reg<uint32_t>(op.a[2])[l] = b.popc; });
        else
          w->set_pred(op.a[2], g.mask, (op.mode[2] == 1 ? b.all : b.any) ? kAll : 0);
      }
    b = {};
    if (checker) checker->complete(block, int(id));
    ++block.launch->progress;
  }
}

bool can_run(const Warp& w) {
  for (const Group& g : w.groups)
    if (runnable(w, g)) return true;
  return false;
}

namespace {

// How far group `at`, the one furthest behind or furthest ahead, goes before another could be
// chosen or met: while it executes straight instructions, no other moves.
uint64_t steps_alone(const Warp& w, size_t at, uint64_t left) {
  if (w.groups.size() == 1) return left;
  left = std::min(left, kTurn - (w.steps - w.whole_until) % kTurn);
  const uint32_t pc = w.groups[at].pc;
  for (size_t i = 0; i < w.groups.size(); ++i) {
    // two at one place that do not merge, having been called from different ones, take turns
    if (i != at && w.groups[i].pc == pc) return 1;
    if (w.groups[i].pc > pc) left = std::min<uint64_t>(left, w.groups[i].pc - pc);
  }
  return left;
}

uint32_t active_lanes(Warp& w, const Op& op, uint32_t mask) {
  if (op.guard < 0) return mask;
  const uint32_t p = *w.reg<uint32_t>(uint32_t(op.guard));
  return mask & (op.guard_negated ? ~p : p);
}

// Executes up to `left` straight instructions of group `at`. kWatched: with counters, or with an
// eye on registers in flight.
template <bool kWatched>
void run_straight(Warp& w, Group& g, uint64_t left) {
  Launch& launch = *w.block->launch;
  const bool counts = !launch.counts.empty();
  const bool tracks = launch.kernel->tracks_registers && launch.checker;
  const Op* const code = launch.kernel->code.data();
  const Op* op = code + g.pc;
  const uint32_t mask = g.mask;
  const uint64_t end = w.steps + left;
  for (; w.steps < end && op->flow == Flow::straight; ++op) {
    const uint32_t active = active_lanes(w, *op, mask);
    w.op = op;
    ++w.steps;
    if (kWatched && counts) {
      Count& c = launch.counts[size_t(op - code)];
      ++c.warps, c.lanes += uint64_t(std::popcount(active));
    }
    if (kWatched && tracks && active) track_registers(w, *op, active);
    if (active) op->run(w, *op, active);
    if (w.stalled) {
      ++op;
      break;
    }
  }
  g.pc = uint32_t(op - code);
}

// One instruction that is not straight.
void run_turn(Warp& w, size_t at) {
  Launch& launch = *w.block->launch;
  const Op& op = launch.kernel->code[w.groups[at].pc];
  const uint32_t active = active_lanes(w, op, w.groups[at].mask);
  w.op = &op;
  ++w.steps;
  if (!launch.counts.empty()) {
    Count& c = launch.counts[number_of(launch, op)];
    ++c.warps, c.lanes += uint64_t(std::popcount(active));
  }
  if (launch.kernel->tracks_registers && launch.checker && active) track_registers(w, op, active);
  turn(w, at, op, active);
}

}  // namespace

void run_slice(Warp& w, uint64_t budget) {
  Launch& launch = *w.block->launch;
  const std::vector<Op>& code = launch.kernel->code;
  w.stalled = false;
  const uint64_t begin = w.steps, end = begin + budget;
  const bool watched =
      !launch.counts.empty() || (launch.kernel->tracks_registers && launch.checker);
  while (w.steps < end && !w.stalled) {
    if (w.groups.size() > 1) merge(w);
    if (w.groups.size() == 1) w.whole_until = w.steps;
    const size_t at = choose(w);
    if (at == w.groups.size()) {
      if (w.groups.size() > 1 && join_warp_barriers(w)) continue;
      break;
    }
    if (code[w.groups[at].pc].flow != Flow::straight) {
      run_turn(w, at);
      continue;
    }
    const uint64_t left = steps_alone(w, at, end - w.steps);
    watched ? run_straight<true>(w, w.groups[at], left)
            : run_straight<false>(w, w.groups[at], left);
  }
  launch.steps += w.steps - begin;
}

void start_warp(Warp& w, Block& block, int index) {
  const Kernel& k = *block.launch->kernel;
  w.block = &block, w.index = index;
  const uint32_t threads = uint32_t(block.launch->block.count());
  const uint32_t lanes = std::min<uint32_t>(kLanes, threads - uint32_t(index) * kLanes);
  w.live = w.exists = lanes == 32 ? kAll : (1u << lanes) - 1;
  w.groups.assign(1, Group{});
  w.groups[0].mask = w.live;
  w.registers.assign(k.register_bytes + 64, 0);
  w.local.assign(size_t(k.local_bytes) * kLanes, 0);
  for (const auto& [slot, value, shared] : k.constants)
    fill(w, slot, kAll, value + (shared ? uint64_t(block.rank) << kRankShift : 0));
  for (const auto& [slot, which] : k.specials)
    for (int l = 0; l < kLanes; ++l) fill(w, slot, 1u << l, special_value(which, w, l));
}

std::string lanes_text(uint32_t mask) {
  std::string s;
  for (int l = 0; l < kLanes; ++l) {
    if (!(mask >> l & 1)) continue;
    int last = l;
    while (last + 1 < kLanes && (mask >> (last + 1) & 1)) ++last;
    s += (s.empty() ? "" : ",") + std::to_string(l) + (last > l ? "-" + std::to_string(last) : "");
    l = last;
  }
  return s.empty() ? "none" : s;
}

std::string place_of(const Op& op, const Kernel& kernel) {
  std::string s = op.ins->text + " (";
  if (auto it = kernel.module->files.find(op.ins->file); it != kernel.module->files.end())
    s += it->second + ":" + std::to_string(op.ins->source_line) + ", ";
  return s + "PTX line " + std::to_string(op.ins->line) + ")";
}

// Those who wait for registers first: the others may wait for them.
std::string who_waits(const Block& block) {
  const Kernel& k = *block.launch->kernel;
  std::string s;
  int shown = 0;
  if (block.cluster->blocks.size() > 1)
    s = "block " + std::to_string(block.rank) + " of the cluster";
  auto tell = [&](const Warp& w, const Group& g, const Op& op) {
    const char* verb = g.wait == Group::Wait::none ? " spin at " : " wait at ";
    s += (s.empty() ? "warp " : "; warp ") + std::to_string(w.index) + " lanes " +
         lanes_text(g.mask) + verb + place_of(op, k);
    if (g.wait == Group::Wait::event && g.mbarrier)
      s += " for " + mbarrier_text(*g.mbarrier, g.mbarrier_at);
    if (op.ins->parts[0] == "setmaxnreg" && k.pool_registers)
      s += " for " + std::to_string(op.imm - (w.held ? w.held : k.pool_registers)) +
           " registers more a thread, of which the block has " +
           std::to_string(free_registers(block)) + " left";
  };
  for (const bool registers : {true, false})
    for (const auto& w : block.warps)
      for (const Group& g : w->groups) {
        const Op& op = k.code[g.wait == Group::Wait::barrier ? g.pc - 1 : g.pc];
        if ((op.ins->parts[0] == "setmaxnreg") != registers) continue;
        if (++shown > 8) return s + "; and more";
        tell(*w, g, op);
      }
  return s;
}

}  // namespace ptxrun
