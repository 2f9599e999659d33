#include "check.h"

#include <algorithm>

#include "warp.h"

namespace ptxrun {

Checker::Checker(bool races, bool initialisation, uint32_t warps, uint32_t places)
    : races_(races),
      init_(initialisation),
      warps_(warps),
      states_(size_t(warps) * places),
      barriers_(places),
      shared_(places),
      shared_sync_(places) {}

void Checker::start(Block& block) {
  shared_[block.place].clear();
  shared_sync_[block.place].clear();
  barriers_[block.place] = {};
  for (auto& w : block.warps) {
    WarpState& s = state(*w);
    const uint32_t now = s.now + 1;
    s = {};
    s.now = now, s.full = 0;
    s.clock.assign(states_.size(), 0);
  }
}

void Checker::join(Clock& to, const Clock& from) {
  if (from.empty()) return;
  if (to.empty()) to.assign(from.size(), 0);
  for (size_t k = 0; k < to.size(); ++k) to[k] = std::max(to[k], from[k]);
}

Checker::Clock Checker::published(const Warp& w) {
  WarpState& s = state(w);
  Clock c = s.clock;
  c[slot(w)] = s.now;
  return c;
}

// ---- synchronisation ----

void Checker::warp_barrier(Warp& w, uint32_t lanes) {
  WarpState& s = state(w);
  if ((lanes & w.live) == w.live) {
    s.full = s.now++;
    return;
  }
  if (s.lanes.empty()) s.lanes.assign(kLanes * kLanes, 0);
  // What one of these lanes knows, all know afterwards; and all of each other up to now.
  for (int other = 0; other < kLanes; ++other) {
    uint32_t known = 0;
    each_lane(lanes, [&](int l) { known = std::max(known, s.lanes[size_t(l * kLanes + other)]); });
    if (lanes >> other & 1) known = s.now;
    each_lane(lanes, [&](int l) { s.lanes[size_t(l * kLanes + other)] = known; });
  }
  ++s.now;
}
void Checker::arrive(Warp& w, int barrier) {
  join(barriers_[w.block->place][size_t(barrier)], published(w));
  ++state(w).now;
}
void Checker::pass(Warp& w, int barrier) {
  WarpState& s = state(w);
  join(s.clock, barriers_[w.block->place][size_t(barrier)]);
  s.full = s.now - 1;
}
void Checker::complete(Block& block, int barrier) {
  barriers_[block.place][size_t(barrier)].clear();
}
void Checker::fence(Warp& w) {
  WarpState& s = state(w);
  join(s.clock, s.pending);
  s.pending.clear();
  s.fenced = published(w);
  ++s.now;
}

// Atomics, volatile and ordered accesses: a write publishes what its fence (or .release) covers, a
// read takes what was published there, at its .acquire or at the next fence.
void Checker::synchronise(Warp& w, const Access& a) {
  WarpState& s = state(w);
  const bool releases = a.order == Order::release || a.order == Order::acquire_release;
  const bool acquires = a.order == Order::acquire || a.order == Order::acquire_release;
  Clock mine;
  if (a.write) {
    mine = releases ? published(w) : s.fenced;
    if (releases) ++s.now;
  }
  auto variable = [&](std::unordered_map<uint64_t, Clock>& map, uint64_t at) {
    if (a.read)
      if (auto it = map.find(at); it != map.end()) join(acquires ? s.clock : s.pending, it->second);
    if (a.write && !mine.empty()) join(map[at], mine);
  };
  each_lane(a.shared, [&](int l) { variable(shared_sync_[w.block->place], a.address[l]); });
  each_lane(a.global, [&](int l) { variable(global_sync_, a.address[l]); });
}

// ---- accesses ----

template <class F>
void Checker::each_cell(Shadow& shadow, uint64_t at, uint32_t bytes, F&& f) {
  Page& page = shadow[at / kPageBytes];
  if (page.cells.empty()) page.cells.resize(kPageBytes >> page.shift);
  if (page.shift == 2 && (at % 4 || bytes % 4)) {
    std::vector<Cell> fine(kPageBytes);
    for (size_t k = 0; k < kPageBytes; ++k) fine[k] = page.cells[k / 4];
    page.cells = std::move(fine), page.shift = 0;
  }
  const uint64_t first = at % kPageBytes >> page.shift;
  for (uint64_t k = 0; k < bytes >> page.shift; ++k) f(page.cells[first + k]);
}

bool Checker::ordered(const Warp& w, int lane, const Touch& t) {
  if (t.time == 0) return true;
  const WarpState& s = state(w);
  if (t.block != w.block->linear || t.slot != slot(w)) return t.time <= s.clock[t.slot];
  // Of this warp: the lane itself, or ordered by a barrier, or by an atomic that lanes passed on.
  if (t.lane == lane || t.time <= s.full || t.time <= s.clock[t.slot]) return true;
  return !s.lanes.empty() && t.time <= s.lanes[size_t(lane * kLanes + t.lane)];
}

void Checker::report(Warp& w, int lane, const std::string& what, const Touch& other) {
  const uint32_t thread = other.slot % warps_ * kLanes + other.lane;
  note(w, FaultKind::race,
       what + " by thread " + std::to_string(thread) +
           (other.block == w.block->linear ? "" : " of block " + std::to_string(other.block)) +
           " at " + place_of(*other.op, *w.block->launch->kernel) +
           ", without synchronisation between them",
       1u << lane);
}

void Checker::touch(Warp& w, const Op& op, const Access& a, int lane, Cell& c, bool silent) {
  if (c.flight)
    report(w, lane,
           std::string(a.write ? "write to" : "read of") +
               " bytes that an asynchronous copy, not yet waited for, fills: issued",
           c.write);
  const bool strong = a.order != Order::plain || a.atomic;
  const Touch mine{&op, w.block->linear, slot(w), state(w).now, uint8_t(lane), strong};
  auto conflicts = [&](const Touch& t) { return !(strong && t.strong) && !ordered(w, lane, t); };
  if (a.write) {
    // Lanes of one instruction that store the same value, or a store that changes nothing: benign.
    if (!silent && conflicts(c.write)) report(w, lane, "write after a write", c.write);
    for (const Touch& r : c.reads)
      if (!silent && conflicts(r)) report(w, lane, "write after a read", r);
    c.write = mine;
    c.reads[0] = c.reads[1] = {};
    c.flight = false;
  } else {
    if (conflicts(c.write)) report(w, lane, "read after a write", c.write);
    // Keep the reader itself and one other.
    const bool first =
        c.reads[0].time == 0 || (c.reads[0].slot == mine.slot && c.reads[0].lane == lane);
    if (!first && !(c.reads[1].slot == mine.slot && c.reads[1].lane == lane))
      c.reads[1] = c.reads[0];
    c.reads[0] = mine;
  }
}

void Checker::access(Warp& w, const Op& op, const Access& a) {
  Shadow& shared = shared_[w.block->place];
  if (init_) {
    uint32_t fresh = 0;
    each_lane(a.shared, [&](int l) {
      each_cell(shared, a.address[l], a.bytes, [&](Cell& c) {
        if (a.read && !c.written && !c.flight) fresh |= 1u << l;
      });
    });
    if (fresh)
      note(w, FaultKind::uninitialised,
           "read of shared memory that nobody has written: address " +
               std::to_string(a.address[std::countr_zero(fresh)] + kSharedBase) + ", lanes " +
               lanes_text(fresh),
           fresh);
    if (a.write)
      each_lane(a.shared, [&](int l) {
        each_cell(shared, a.address[l], a.bytes, [&](Cell& c) { c.written = true; });
      });
  }
  if (!races_) return;
  // A store's data are in op.list; what it does not change it does not race for.
  auto silent = [&](int l) {
    if (!a.write || a.atomic || op.list.empty()) return false;
    const size_t each = a.bytes / op.list.size();
    for (size_t k = 0; k < op.list.size(); ++k) {
      const Slot s = op.list[k];
      if (std::memcmp(w.registers.data() + s.at + size_t(l) * s.size, a.data[l] + k * each, each) !=
          0)
        return false;
    }
    return true;
  };
  auto same_store = [&](int l, const Cell& c) {
    if (c.write.op != &op || c.write.slot != slot(w) || c.write.time != state(w).now) return false;
    for (const Slot& s : op.list)
      if (std::memcmp(w.registers.data() + s.at + size_t(l) * s.size,
                      w.registers.data() + s.at + size_t(c.write.lane) * s.size, s.size) != 0)
        return false;
    return !op.list.empty();
  };
  auto one = [&](Shadow& shadow, int l) {
    const bool quiet = silent(l);
    each_cell(shadow, a.address[l], a.bytes,
              [&](Cell& c) { touch(w, op, a, l, c, quiet || (a.write && same_store(l, c))); });
  };
  each_lane(a.shared, [&](int l) { one(shared, l); });
  each_lane(a.global, [&](int l) { one(global_, l); });
  if (a.order != Order::plain || a.atomic) synchronise(w, a);
}

void Checker::copy_begins(Warp& w, const Op& op, int lane, uint32_t offset, uint32_t bytes) {
  Access a;
  a.write = true, a.read = false, a.bytes = bytes;
  each_cell(shared_[w.block->place], offset, bytes, [&](Cell& c) {
    if (races_) touch(w, op, a, lane, c, false);
    c.flight = races_, c.written = true;
  });
}
void Checker::copy_ends(Warp& w, const Op& op, int lane, uint32_t offset, uint32_t bytes) {
  each_cell(shared_[w.block->place], offset, bytes, [&](Cell& c) {
    c.flight = false;
    if (races_) c.write = {&op, w.block->linear, slot(w), state(w).now, uint8_t(lane), false};
  });
}

}  // namespace ptxrun
