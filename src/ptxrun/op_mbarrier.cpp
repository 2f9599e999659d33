// mbarrier instructions.
#include "async.h"
#include "bind.h"
#include "check.h"
#include "mbarrier.h"

namespace ptxrun {
namespace {

// What arrive returns: the phase it was counted in, and the arrivals that were pending.
uint64_t token_of(const Mbarrier& m) { return m.phase << 20 | m.pending; }

uint64_t address_of(Warp& w, const Op& op, int k, int lane) {
  return (op.size[size_t(k)] == 4 ? w.reg<uint32_t>(op.a[size_t(k)])[lane]
                                  : w.reg<uint64_t>(op.a[size_t(k)])[lane]) +
         uint64_t(op.imm);
}
SharedPlace place_of_lane(Warp& w, const Op& op, int k, int lane) {
  return shared_place(w, op.space, address_of(w, op, k, lane), 8, 8, lane, true);
}
Checker* checker_of(Warp& w) { return w.block->launch->checker.get(); }

// a[0] = address, a[1] = count.
void init(Warp& w, const Op& op, uint32_t mask) {
  each_lane(mask, [&](int l) {
    const SharedPlace p = place_of_lane(w, op, 0, l);
    init_mbarrier(w, p, w.reg<uint32_t>(op.a[1])[l], l);
    if (Checker* c = checker_of(w)) c->mbarrier_touch(w, op, l, *p.block, p.offset, false);
  });
}
void invalidate(Warp& w, const Op& op, uint32_t mask) {
  each_lane(mask, [&](int l) {
    const SharedPlace p = place_of_lane(w, op, 0, l);
    invalidate_mbarrier(w, p, l);
    if (Checker* c = checker_of(w)) c->mbarrier_touch(w, op, l, *p.block, p.offset, false);
  });
}
// a[0] = state, a[1] = address, a[2] = count or bytes. mode[0]: 0 arrive, 1 arrive_drop; mode[1]:
// with expect_tx; mode[2]: relaxed; mode[3]: must not complete the phase.
void arrive_at(Warp& w, const Op& op, uint32_t mask) {
  Launch& launch = *w.block->launch;
  each_lane(mask, [&](int l) {
    const SharedPlace p = place_of_lane(w, op, 1, l);
    Mbarrier& m = mbarrier_in(p, l);
    const uint32_t value = w.reg<uint32_t>(op.a[2])[l];
    const uint64_t token = token_of(m);
    if (Checker* c = checker_of(w)) {
      c->mbarrier_touch(w, op, l, *p.block, p.offset, true);
      if (!op.mode[2]) c->mbarrier_arrive(w, *p.block, p.offset);
    }
    if (op.mode[1]) expect_bytes(launch, p, value, l);
    if (op.mode[3] && m.pending <= value)
      throw Fault{
          FaultKind::misuse,
          "arrive.noComplete would complete the phase of the " + mbarrier_text(*p.block, p.offset),
          1u << l};
    arrive(launch, p, op.mode[1] ? 1 : value, op.mode[0] == 1, l);
    w.reg<uint64_t>(op.a[0])[l] = token;
  });
}
// a[0] = address, a[1] = bytes; mode[0]: 0 expect_tx, 1 complete_tx.
void count_bytes(Warp& w, const Op& op, uint32_t mask) {
  Launch& launch = *w.block->launch;
  each_lane(mask, [&](int l) {
    const SharedPlace p = place_of_lane(w, op, 0, l);
    const int64_t bytes = w.reg<uint32_t>(op.a[1])[l];
    if (Checker* c = checker_of(w)) c->mbarrier_touch(w, op, l, *p.block, p.offset, true);
    op.mode[0] ? complete_bytes(launch, p, bytes, l) : expect_bytes(launch, p, bytes, l);
  });
}
// a[0] = predicate, a[1] = address, a[2] = state or parity (mode[0]: parity); mode[1]: relaxed;
// mode[2]: may wait. A wait goes on until something has happened, and ends in vain when nothing
// else can.
void wait(Warp& w, const Op& op, uint32_t mask) {
  uint32_t done = 0;
  each_lane(mask, [&](int l) {
    const SharedPlace p = place_of_lane(w, op, 1, l);
    const Mbarrier& m = mbarrier_in(p, l);
    if (Checker* c = checker_of(w)) c->mbarrier_touch(w, op, l, *p.block, p.offset, true);
    bool complete;
    if (op.mode[0]) {
      const uint32_t parity = w.reg<uint32_t>(op.a[2])[l];
      if (parity > 1)
        throw Fault{FaultKind::misuse,
                    "phase parity " + std::to_string(parity) + ": allowed are 0 and 1", 1u << l};
      complete = (m.phase & 1) != parity;
    } else {
      const uint64_t phase = w.reg<uint64_t>(op.a[2])[l] >> 20;
      if (phase != m.phase && phase + 1 != m.phase)
        throw Fault{FaultKind::misuse,
                    "the state is of phase " + std::to_string(phase) +
                        ", neither the current nor the one before it of the " +
                        mbarrier_text(*p.block, p.offset),
                    1u << l};
      complete = phase != m.phase;
    }
    if (complete) {
      done |= 1u << l;
      if (Checker* c = checker_of(w); c && !op.mode[1]) c->mbarrier_acquire(w, *p.block, p.offset);
    } else {
      w.group->mbarrier = p.block, w.group->mbarrier_at = p.offset;
    }
  });
  w.set_pred(op.a[0], mask, done);
  if (done) return;
  if (w.group->expired) {
    w.group->expired = false;
    return;
  }
  run_pending(*w.block->cluster, w.group->mbarrier, w.group->mbarrier_at);
  w.again = true;
}

void pending_count(Warp& w, const Op& op, uint32_t mask) {
  each_lane(mask, [&](int l) {
    w.reg<uint32_t>(op.a[0])[l] = uint32_t(w.reg<uint64_t>(op.a[1])[l] & 0xfffff);
  });
}

void take_space(Form& form, Op& op) {
  op.space = form.take("shared") || form.take("shared::cta") ? Space::shared
             : form.take("shared::cluster")                  ? Space::cluster
                                                             : Space::generic;
}
// True if relaxed.
bool take_order(Form& form) {
  const bool relaxed = form.take("relaxed");
  form.take_any({"acquire", "release", "cta", "cluster"});
  return relaxed;
}

void bind_mbarrier(Binder& b, Form& form, Op& op) {
  if (form.take("pending_count")) {
    form.take("b64");
    b.out(op, 0, b.operand(0), Type::b32), b.in(op, 1, b.operand(1), Type::b64);
    op.run = pending_count;
    return;
  }
  const bool starts = form.take("init"), ends = form.take("inval");
  const bool test = form.take("test_wait"), tries = form.take("try_wait");
  const bool drops = form.take("arrive_drop"), arrives = form.take("arrive") || drops;
  const bool expects = form.take("expect_tx"), completes = form.take("complete_tx");
  const bool parity = form.take("parity"), quiet = form.take("noComplete");
  const bool relaxed = take_order(form);
  take_space(form, op);
  form.take("b64");
  if (starts || ends) {
    b.address(op, 0, b.operand(0));
    if (starts) b.in(op, 1, b.operand(1), Type::b32);
    op.run = starts ? init : invalidate;
  } else if (test || tries) {
    b.out(op, 0, b.operand(0), Type::pred);
    b.address(op, 1, b.operand(1));
    b.in(op, 2, b.operand(2), parity ? Type::b32 : Type::b64);
    op.mode = {parity, relaxed, tries, 0};
    op.run = wait, op.flow = Flow::retry;
  } else if (arrives) {
    // without a result: mbarrier.arrive [addr]
    const size_t first = b.operand(0).kind == Operand::Kind::address ? 0 : 1;
    first ? b.out(op, 0, b.operand(0), Type::b64) : b.set(op, 0, b.fresh(8));
    b.address(op, 1, b.operand(first));
    if (b.operands() > first + 1)
      b.in(op, 2, b.operand(first + 1), Type::b32);
    else
      b.set(op, 2, b.constant(1, 4));
    op.mode = {drops, expects, relaxed, quiet};
    op.run = arrive_at;
  } else if (expects || completes) {
    b.address(op, 0, b.operand(0)), b.in(op, 1, b.operand(1), Type::b32);
    op.mode[0] = completes;
    op.run = count_bytes;
  } else {
    throw Unsupported("operation");
  }
}

constexpr OpcodeRow kRows[] = {{"mbarrier", bind_mbarrier}};

}  // namespace

std::span<const OpcodeRow> mbarrier_opcodes() { return kRows; }

}  // namespace ptxrun
