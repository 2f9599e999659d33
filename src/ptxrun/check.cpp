// The checker's memory: who touched what, and whether they were ordered.
#include "check.h"

#include <algorithm>

#include "warp.h"

namespace ptxrun {

// ---- accesses ----

namespace {
// The widest cell, as a shift, whose borders these bytes respect.
int widest_cell(uint64_t at, uint64_t bytes) {
  const uint64_t odd = at | bytes;
  return odd % 16 == 0 ? 4 : odd % 4 == 0 ? 2 : 0;
}
}  // namespace

void Checker::Page::refine(int to) {
  if (!cells.empty()) {
    std::vector<Cell> fine(kPageBytes >> to);
    for (size_t k = 0; k < fine.size(); ++k) fine[k] = cells[k >> (shift - to)];
    cells = std::move(fine);
  }
  shift = to;
}

template <class F>
void Checker::each_cell(Shadow& shadow, uint64_t at, uint32_t bytes, F&& f) {
  while (bytes) {
    const uint32_t here = uint32_t(std::min<uint64_t>(bytes, kPageBytes - at % kPageBytes));
    Page& page = shadow.page(at / kPageBytes);
    if (const int widest = widest_cell(at, here); widest < page.shift) page.refine(widest);
    if (page.cells.empty()) page.cells.resize(kPageBytes >> page.shift);
    const uint64_t first = at % kPageBytes >> page.shift;
    for (uint64_t k = 0; k < here >> page.shift; ++k) f(page.cells[first + k]);
    at += here, bytes -= here;
  }
}

bool Checker::ordered(const Warp& w, int lane, const Touch& t) {
  if (t.time == 0) return true;
  const WarpState& s = state(w);
  const uint32_t known = at(s.known.seen, t.slot);
  if (t.async || t.block != w.block->linear || t.slot != slot(w)) return t.time <= known;
  // Of this warp: the lane itself, or ordered by a barrier, or by an atomic that lanes passed on.
  if (t.lane() == lane || t.time <= s.full || t.time <= known) return true;
  return !s.lanes.empty() && t.time <= s.lanes[size_t(lane * kLanes + t.lane())];
}

void Checker::report(Warp& w, int lane, const std::string& what, const Touch& other) {
  const std::string who =
      (other.async ? " by asynchronous work, not yet waited for, of thread " : " by thread ") +
      std::to_string(other.thread) +
      (other.block == w.block->linear ? "" : " of block " + std::to_string(other.block));
  note(w, FaultKind::race,
       what + who + " at " +
           place_of(w.block->launch->kernel->code[other.op], *w.block->launch->kernel) +
           ", without synchronisation between them",
       1u << lane);
}

Checker::Touch Checker::touch_of(const Warp& w, const Op& op, int lane) const {
  return {.op = uint32_t(number_of(*w.block->launch, op)),
          .block = uint32_t(w.block->linear),
          .slot = slot(w),
          .time = states_[slot(w)].now,
          .thread = uint16_t(w.index * kLanes + lane)};
}

// Keeps the reader itself and one other.
void Checker::remember_read(Cell& c, const Touch& mine) {
  Touch& last = c.reads[0];
  if (last.time != 0 && (last.slot != mine.slot || last.lane() != mine.lane())) c.reads[1] = last;
  last = mine;
}

void Checker::touch(Warp& w, const Op& op, const Access& a, int lane, Cell& c, bool silent) {
  if (c.flight)
    report(w, lane,
           std::string(a.write ? "write to" : "read of") +
               " bytes that an asynchronous copy, not yet waited for, fills: issued",
           c.write);
  const bool strong = a.order != Order::plain || a.atomic;
  Touch mine = touch_of(w, op, lane);
  mine.strong = strong;
  auto conflicts = [&](const Touch& t) { return !(strong && t.strong) && !ordered(w, lane, t); };
  if (a.write) {
    // Lanes of one instruction that store the same value, or a store that changes nothing: benign.
    if (!silent && conflicts(c.write)) report(w, lane, "write after a write", c.write);
    for (const Touch& r : c.reads)
      if (!silent && conflicts(r)) report(w, lane, "write after a read", r);
    c.write = mine, c.value = stored_, c.silent = silent;
    c.reads[0] = c.reads[1] = {};
    c.flight = false;
  } else {
    if (conflicts(c.write)) report(w, lane, "read after a write", c.write);
    remember_read(c, mine);
  }
}

void Checker::access(Warp& w, const Op& op, const Access& a) {
  auto shared = [&](int l) -> Shadow& { return place(*a.owner[l]).shared; };
  if (init_) {
    uint32_t fresh = 0;
    each_lane(a.shared, [&](int l) {
      each_cell(shared(l), a.address[l], a.bytes, [&](Cell& c) {
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
        each_cell(shared(l), a.address[l], a.bytes, [&](Cell& c) { c.written = true; });
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
    if (c.write.op != number_of(*w.block->launch, op) || c.write.slot != slot(w) ||
        c.write.time != state(w).now)
      return false;
    for (const Slot& s : op.list)
      if (std::memcmp(w.registers.data() + s.at + size_t(l) * s.size,
                      w.registers.data() + s.at + size_t(c.write.lane()) * s.size, s.size) != 0)
        return false;
    return !op.list.empty();
  };
  // Most of what kernels do is read what nobody wrote: no order to look at.
  if (!a.write && a.global == kAll && a.order == Order::plain) {
    Touch mine = touch_of(w, op, 0);
    for (int l = 0; l < kLanes; ++l) {
      mine.thread = uint16_t(w.index * kLanes + l);
      each_cell(global_, a.address[l], a.bytes, [&](Cell& c) {
        c.write.time == 0 ? remember_read(c, mine) : touch(w, op, a, l, c, false);
      });
    }
    return;
  }
  // Never 0 of a store: FNV-1a of its address and bytes.
  auto value_of = [&](int l) {
    uint32_t h = 2166136261u ^ uint32_t(a.address[l]);
    for (const Slot& s : op.list) {
      const uint8_t* p = w.registers.data() + s.at + size_t(l) * s.size;
      for (int k = 0; k < s.size; ++k) h = (h ^ p[k]) * 16777619u;
    }
    return h | 1;
  };
  auto one = [&](Shadow& shadow, int l) {
    const bool quiet = silent(l);
    stored_ = a.write && !a.atomic && !op.list.empty() ? value_of(l) : 0;
    each_cell(shadow, a.address[l], a.bytes,
              [&](Cell& c) { touch(w, op, a, l, c, quiet || (a.write && same_store(l, c))); });
  };
  each_lane(a.shared, [&](int l) {
    one(shared(l), l);
    if (a.owner[l] != w.block) place(*a.owner[l]).visitors[slot(w)] = touch_of(w, op, l);
  });
  each_lane(a.global, [&](int l) { one(global_, l); });
  stored_ = 0;
  if (a.order != Order::plain || a.atomic) synchronise(w, a);
}

// A block must not end before its peers have used its shared memory for the last time: some thread
// of it must know of that.
void Checker::end(Block& block) {
  Place& p = place(block);
  Clock known;
  for (auto& w : block.warps) join(known, state(*w).known.seen);
  Warp& last = *block.warps.front();
  for (const auto& [slot, visit] : p.visitors)
    if (at(known, slot) < visit.time)
      note(last, FaultKind::exited_peer,
           "the block exits without synchronisation with thread " + std::to_string(visit.thread) +
               " of block " + std::to_string(visit.block) + ", which uses its shared memory at " +
               place_of(block.launch->kernel->code[visit.op], *block.launch->kernel),
           0);
}

void Checker::copy_begins(Warp& w, const Op& op, int lane, uint32_t offset, uint32_t bytes) {
  Access a;
  a.write = true, a.read = false, a.bytes = bytes;
  each_cell(place(*w.block).shared, offset, bytes, [&](Cell& c) {
    if (races_) touch(w, op, a, lane, c, false);
    c.flight = races_, c.written = true;
  });
}
void Checker::copy_ends(Warp& w, const Op& op, int lane, uint32_t offset, uint32_t bytes) {
  each_cell(place(*w.block).shared, offset, bytes, [&](Cell& c) {
    c.flight = false;
    if (races_) c.write = touch_of(w, op, lane);
  });
}

void Checker::mbarrier_touch(Warp& w, const Op& op, int lane, Block& block, uint32_t offset,
                             bool strong) {
  Access a;
  a.bytes = 8, a.write = !strong, a.atomic = strong;
  each_cell(place(block).shared, offset, 8, [&](Cell& c) {
    if (races_) touch(w, op, a, lane, c, false);
    c.written = true;
  });
}

// ---- asynchronous work ----

void Checker::async_touch(Warp& w, const Op& op, int lane, Agent agent, Cell& c, bool write) {
  const WarpState& s = state(w);
  Touch mine = touch_of(w, op, lane);
  mine.slot = agent.slot, mine.time = agent.time, mine.async = true;
  const char* const verb = write ? "asynchronous write" : "asynchronous read";
  auto conflicts = [&](const Touch& t) {
    if (t.slot == agent.slot && t.async && agent.in_order) return false;
    return !ordered(w, lane, t);
  };
  if (conflicts(c.write)) {
    report(w, lane, std::string(verb) + " after a write", c.write);
  } else if (c.write.time && !c.write.async && at(s.known.proxied, c.write.slot) < c.write.time) {
    note(w, FaultKind::proxy,
         std::string(verb) + " after an ordinary write by thread " +
             std::to_string(c.write.thread) + " at " +
             place_of(w.block->launch->kernel->code[c.write.op], *w.block->launch->kernel) +
             ", without fence.proxy.async between them",
         1u << lane);
  }
  if (!write) {
    if (c.reads[0].slot != mine.slot || !c.reads[0].async) c.reads[1] = c.reads[0];
    c.reads[0] = mine;
    return;
  }
  for (const Touch& r : c.reads)
    if (conflicts(r)) report(w, lane, std::string(verb) + " after a read", r);
  c.write = mine, c.value = 0, c.silent = false;
  c.reads[0] = c.reads[1] = {};
  c.flight = false, c.written = true;
}

void Checker::async_access(Warp& w, const Op& op, int lane, Agent agent, Block* owner,
                           uint64_t address, uint32_t bytes, bool write) {
  Shadow& shadow = owner ? place(*owner).shared : global_;
  bool fresh = false;
  each_cell(shadow, address, bytes, [&](Cell& c) {
    fresh |= owner && !write && !c.written && !c.flight;
    if (races_) async_touch(w, op, lane, agent, c, write);
    c.written |= write;
  });
  if (fresh && init_) {
    note(w, FaultKind::uninitialised,
         "asynchronous read of shared memory that nobody has written: address " +
             std::to_string(address + kSharedBase),
         1u << lane);
  }
}

void Checker::tensor_access(Warp& w, const Op& op, Agent agent, Block& owner, uint32_t quarter,
                            uint32_t column, uint32_t columns, bool write) {
  Shadow& shadow = place(owner).tensor;
  bool fresh = false;
  each_cell(shadow, quarter * 2048 + column * 4, columns * 4, [&](Cell& c) {
    fresh |= !write && !c.written;
    if (races_) async_touch(w, op, 0, agent, c, write);
    c.written |= write;
  });
  if (fresh && init_)
    note(w, FaultKind::uninitialised,
         "read of tensor memory that nobody has written: lanes " + std::to_string(quarter * 32) +
             " and up, from column " + std::to_string(column) + " on",
         1);
}

}  // namespace ptxrun
