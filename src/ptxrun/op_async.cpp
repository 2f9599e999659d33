// cp.async: copies from global to shared memory that complete at a wait of the issuing thread.
//
// When the bytes move is open between the two; the schedule decides: at the issue (eager), at the
// wait (lazy), or one or the other (random). Until the wait nobody may touch them.
#include <deque>

#include "access.h"
#include "async.h"
#include "bind.h"
#include "bulk.h"
#include "check.h"
#include "mbarrier.h"

namespace ptxrun {

struct Copy {
  const Op* op;
  uint32_t offset, bytes, valid;  // of shared memory; bytes from `valid` on become 0
  const uint8_t* from;
  bool moved;
};
// Per lane: copies in order of issue, and how many of them each committed group ends.
struct Copies {
  std::deque<Copy> open[kLanes];
  std::deque<size_t> groups[kLanes];  // ends, counted from the front of `open`
};

namespace {

Copies& copies_of(Warp& w) {
  if (!w.copies) w.copies = std::make_shared<Copies>();
  return *w.copies;
}
void move(Warp& w, Copy& c) {
  uint8_t* to = w.block->shared.data() + c.offset;
  if (c.valid) std::memcpy(to, c.from, c.valid);
  std::memset(to + c.valid, 0, c.bytes - c.valid);
  c.moved = true;
}
// Completes the first `count` copies of a lane.
void complete(Warp& w, Copies& all, int lane, size_t count) {
  for (; count; --count) {
    Copy& c = all.open[lane].front();
    if (!c.moved) move(w, c);
    if (Checker* k = w.block->launch->checker.get())
      k->copy_ends(w, *c.op, lane, c.offset, c.bytes);
    all.open[lane].pop_front();
  }
}

// a[0] = shared address, a[1] = global address, a[2] = bytes of the source if mode[1] = 1, or the
// predicate that ignores it if 2. imm = size; mode[2], mode[3] = offsets of the addresses.
void copy(Warp& w, const Op& op, uint32_t mask) {
  Launch& launch = *w.block->launch;
  Copies& all = copies_of(w);
  const uint32_t bytes = uint32_t(op.imm), ignored = op.mode[1] == 2 ? w.pred(op, 2) : 0;
  uint32_t reading = 0, valid[kLanes];
  each_lane(mask, [&](int l) {
    valid[l] = op.mode[1] == 1 ? w.reg<uint32_t>(op.a[2])[l] : ignored >> l & 1 ? 0 : bytes;
    if (valid[l] > bytes)
      throw Fault{FaultKind::misuse,
                  "a source of " + std::to_string(valid[l]) + " bytes for a copy of " +
                      std::to_string(bytes),
                  1u << l};
    if (valid[l]) reading |= 1u << l;
  });
  Access from;
  from.bytes = bytes;
  each_lane(reading, [&](int l) {
    from.address[l] = w.reg<uint64_t>(op.a[1])[l] + uint64_t(int64_t(op.mode[3]));
  });
  locate_at(w, op, reading, Space::global, from);

  Access to;  // counted here; checked by copy_begins
  to.bytes = bytes, to.write = true, to.shared = mask;
  each_lane(mask, [&](int l) {
    const uint64_t address =
        op.size[0] == 4 ? w.reg<uint32_t>(op.a[0])[l] : w.reg<uint64_t>(op.a[0])[l];
    const uint8_t* p = resolve(w, op, Space::shared,
                               uint32_t(address + uint64_t(int64_t(op.mode[2]))), bytes, l, true);
    to.address[l] = uint64_t(p - w.block->shared.data());
    if (launch.checker) launch.checker->copy_begins(w, op, l, uint32_t(to.address[l]), bytes);
    Copy c{&op, uint32_t(to.address[l]), bytes, valid[l], valid[l] ? from.data[l] : nullptr, false};
    const bool now = launch.schedule == Schedule::eager ||
                     (launch.schedule == Schedule::random && (w.steps * 2654435761u >> 7 & 1));
    if (now) move(w, c);
    all.open[l].push_back(c);
  });
  if (!launch.counts.empty()) count_access(launch.counts[number_of(launch, op)], to);
  ++launch.progress;
}
void commit(Warp& w, const Op&, uint32_t mask) {
  Copies& all = copies_of(w);
  each_lane(mask, [&](int l) { all.groups[l].push_back(all.open[l].size()); });
}
// imm = committed groups that may stay open; -1: everything completes, committed or not.
void wait(Warp& w, const Op& op, uint32_t mask) {
  Copies& all = copies_of(w);
  each_lane(mask, [&](int l) {
    auto& groups = all.groups[l];
    if (op.imm < 0) {
      complete(w, all, l, all.open[l].size());
      groups.clear();
      return;
    }
    size_t done = 0;
    while (groups.size() > uint64_t(op.imm)) {
      done = groups.front();
      groups.pop_front();
    }
    complete(w, all, l, done);
    for (size_t& end : groups) end -= done;
  });
}

// cp.async.mbarrier.arrive: an arrival when all copies issued so far have completed. mode[0]: the
// phase does not expect it, so it is added to what the phase expects.
void arrive_later(Warp& w, const Op& op, uint32_t mask) {
  each_lane(mask, [&](int l) {
    const SharedPlace p =
        shared_place(w, op.space,
                     (op.size[0] == 4 ? w.reg<uint32_t>(op.a[0])[l] : w.reg<uint64_t>(op.a[0])[l]) +
                         uint64_t(op.imm),
                     8, 8, l, true);
    Mbarrier& m = mbarrier_in(p, l);
    if (op.mode[0]) ++m.pending, std::memcpy(p.data(), std::array{m.word()}.data(), 8);
    const size_t count = copies_of(w).open[l].size();
    issue(w, {.by = &w,
              .op = &op,
              .lane = uint32_t(l),
              .queue = uint64_t(uintptr_t(&w)) + uint64_t(l),
              .target = p.block,
              .target_at = p.offset,
              .run = [&w, p, l, count] {
                Copies& all = copies_of(w);
                const size_t open = std::min(count, all.open[l].size());
                complete(w, all, l, open);
                for (size_t& end : all.groups[l]) end -= std::min(end, open);
                if (Checker* c = w.block->launch->checker.get())
                  c->mbarrier_arrive(w, *p.block, p.offset);
                arrive(*w.block->launch, p, 1, false, l);
              }});
  });
}

void bind_cp(Binder& b, Form& form, Op& op) {
  const bool reduces = form.take("reduce");
  if (!form.take("async")) throw Unsupported("copy that is not asynchronous");
  if (form.take("bulk"))
    return form.take("tensor") ? bind_tensor(b, form, op, reduces)
                               : bind_bulk(b, form, op, reduces);
  if (form.take("mbarrier")) {
    if (!form.take("arrive")) throw Unsupported("form");
    op.mode[0] = !form.take("noinc");
    op.space = form.take("shared") || form.take("shared::cta") ? Space::shared : Space::generic;
    form.take("b64");
    b.address(op, 0, b.operand(0));
    op.run = arrive_later;
    return;
  }
  if (form.take("commit_group")) {
    op.run = commit;
    return;
  }
  if (form.take("wait_all")) {
    op.imm = -1, op.run = wait;
    return;
  }
  if (form.take("wait_group")) {
    op.imm = int64_t(b.operand(0).bits), op.run = wait;
    return;
  }
  const bool around = form.take("cg");
  if (!around && !form.take("ca")) throw Unsupported("kind of copy");
  if (!form.take("shared") && !form.take("shared::cta")) throw Unsupported("destination");
  if (!form.take("global")) throw Unsupported("source");
  bool policy = false;
  for (std::string hint; !(hint = form.take_prefix("L2::")).empty();)
    policy |= hint == "L2::cache_hint";
  b.address(op, 0, b.operand(0));
  op.mode[2] = int32_t(op.imm);
  b.address(op, 1, b.operand(1));
  op.mode[3] = int32_t(op.imm);
  op.imm = int64_t(b.operand(2).bits);
  if (op.imm != 16 && (around || (op.imm != 4 && op.imm != 8))) throw Unsupported("size");
  const size_t extra = b.operands() - (policy ? 1 : 0);
  if (extra == 4) {
    const Operand& o = b.operand(3);
    const bool predicate = o.kind == Operand::Kind::reg && b.is_predicate(o);
    op.mode[1] = predicate ? 2 : 1;
    predicate ? b.in_pred(op, 2, o) : b.in(op, 2, o, Type::u32);
  }
  op.run = copy;
}

constexpr OpcodeRow kRows[] = {{"cp", bind_cp}, {"tensormap", bind_tensor_map}};

}  // namespace

std::span<const OpcodeRow> async_opcodes() { return kRows; }

}  // namespace ptxrun
