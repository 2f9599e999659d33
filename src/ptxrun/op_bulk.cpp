// cp.async.bulk and cp.reduce.async.bulk of lines of bytes, and the groups they complete in.
#include "bulk.h"
#include "check.h"

namespace ptxrun {
namespace {

using Bytes = std::shared_ptr<std::vector<uint8_t>>;

// a[0] = to, a[1] = from, a[2] = bytes, a[3] = mbarrier, a[4] = block mask. mode[0], mode[1]:
// offsets of to and from, imm: of the mbarrier. mode[2]: 1 multicast, 2 from shared memory;
// mode[3]: combination, in op.list as a number.
uint32_t take_size(Warp& w, const Op& op, int l) {
  const uint32_t bytes = w.reg<uint32_t>(op.a[2])[l];
  if (bytes == 0 || bytes % 16)
    throw Fault{FaultKind::misuse,
                "a bulk copy of " + std::to_string(bytes) + " bytes: allowed are multiples of 16",
                1u << l};
  return bytes;
}
void check_alignment(uint64_t address, int l) {
  if (address % 16)
    throw Fault{FaultKind::misaligned, "the global address of a bulk copy is not a multiple of 16",
                1u << l};
}

Combine combination_of(const Op& op) {
  return op.mode[3] < 0 ? nullptr : combination(Reduction(op.mode[3] >> 8), Type(op.mode[3] & 255));
}
void put(uint8_t* to, const uint8_t* from, size_t bytes, Combine combine) {
  combine ? combine(to, from, bytes) : void(std::memcpy(to, from, bytes));
}

// To shared memory, completing on an mbarrier.
void load(Warp& w, const Op& op, uint32_t mask) {
  const bool from_shared = op.mode[2] == 2;
  const Combine combine = combination_of(op);
  each_lane(mask, [&](int l) {
    const uint32_t bytes = take_size(w, op, l);
    const uint64_t from = lane_address(w, op, 1, op.mode[1], l);
    SharedPlace source{};
    const uint8_t* data;
    if (from_shared) {
      source = shared_place(w, Space::shared, from, bytes, 16, l, false);
      data = source.data();
    } else {
      check_alignment(from, l);
      data = global_bytes(w, from, bytes, l, false);
    }
    const uint32_t blocks = op.mode[2] == 1 ? w.reg<uint16_t>(op.a[4])[l] : 0;
    for (const Destination& d : destinations(w, op.space, lane_address(w, op, 0, op.mode[0], l),
                                             lane_address(w, op, 3, op.imm, l), bytes, 16,
                                             op.mode[2] == 1, blocks, false, l)) {
      if (Checker* c = w.block->launch->checker.get()) {
        const Agent agent = c->mbarrier_agent(*d.mbarrier.block, d.mbarrier.offset);
        c->async_access(w, op, l, agent, source.block, from_shared ? source.offset : from, bytes,
                        false);
        c->async_access(w, op, l, agent, d.to.block, d.to.offset, bytes, true);
      }
      issue_load(w, op, l, d, bytes,
                 [d, data, bytes, combine] { put(d.to.data(), data, bytes, combine); });
    }
  });
}
// From shared to global memory, in a group.
void store(Warp& w, const Op& op, uint32_t mask) {
  const Combine combine = combination_of(op);
  each_lane(mask, [&](int l) {
    const uint32_t bytes = take_size(w, op, l);
    const uint64_t to = lane_address(w, op, 0, op.mode[0], l);
    const SharedPlace from =
        shared_place(w, Space::shared, lane_address(w, op, 1, op.mode[1], l), bytes, 16, l, false);
    check_alignment(to, l);
    uint8_t* const data = global_bytes(w, to, bytes, l, true);
    if (Checker* c = w.block->launch->checker.get()) {
      c->async_access(w, op, l, c->agent(w, AgentKind::bulk_read), from.block, from.offset, bytes,
                      false);
      if (!combine)  // reductions are atomic
        c->async_access(w, op, l, c->agent(w, AgentKind::bulk_write), nullptr, to, bytes, true);
    }
    const Bytes kept = std::make_shared<std::vector<uint8_t>>();
    Launch* const launch = w.block->launch;
    add_bulk(w, l,
             {.read = [kept, from, bytes] { kept->assign(from.data(), from.data() + bytes); },
              .write =
                  [kept, data, bytes, combine, launch] {
                    put(data, kept->data(), bytes, combine);
                    ++launch->progress;
                  }});
  });
}
void commit(Warp& w, const Op&, uint32_t mask) {
  each_lane(mask, [&](int l) { commit_bulk(w, l); });
}
// imm = groups that may stay open; mode[0]: until the sources were read.
void wait(Warp& w, const Op& op, uint32_t mask) {
  each_lane(mask, [&](int l) { wait_bulk(w, l, size_t(op.imm), op.mode[0]); });
}
void nothing(Warp&, const Op&, uint32_t) {}

}  // namespace

void bind_bulk(Binder& b, Form& form, Op& op, bool reduces) {
  if (form.take("commit_group")) {
    op.run = commit;
    return;
  }
  if (form.take("wait_group")) {
    op.mode[0] = form.take("read"), op.imm = int64_t(b.operand(0).bits), op.run = wait;
    return;
  }
  const bool policy = form.take("L2::cache_hint");
  if (form.take("prefetch")) {
    form.take_any({"L2", "global"});
    op.run = nothing;
    return;
  }
  // to and from, in this order
  const bool to_cluster = form.take("shared::cluster");
  const bool from_own = form.take("shared::cta"), global = form.take("global");
  const bool multicast = form.take("multicast::cluster");
  const bool on_mbarrier = form.take("mbarrier::complete_tx::bytes");
  if (!on_mbarrier && !form.take("bulk_group")) throw Unsupported("completion");
  if (int(to_cluster) + int(from_own) + int(global) != 2) throw Unsupported("state spaces");
  op.mode[3] = -1;
  if (reduces) {
    const Reduction how = take_reduction(form);
    const Type t = form.type();
    if (!combination(how, t)) throw Unsupported("type");
    op.mode[3] = int(how) << 8 | int(t);
  }
  b.address(op, 0, b.operand(0));
  op.mode[0] = int32_t(op.imm);
  b.address(op, 1, b.operand(1));
  op.mode[1] = int32_t(op.imm);
  b.in(op, 2, b.operand(2), Type::b32);
  if (!on_mbarrier) {
    if (to_cluster || b.operands() != size_t(policy ? 4 : 3)) throw Unsupported("form");
    op.run = store;
    return;
  }
  b.address(op, 3, b.operand(3));
  if (multicast) b.in(op, 4, b.operand(4), Type::b16);
  op.mode[2] = multicast ? 1 : global ? 0 : 2;
  op.space = Space::cluster;
  op.run = load;
}

}  // namespace ptxrun
