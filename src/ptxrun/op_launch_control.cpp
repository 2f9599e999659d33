// clusterlaunchcontrol: a cluster that runs takes one that has not started out of the grid, and
// does its work.
//
// What it gets is decided when it asks; the 16 bytes that say so arrive like a copy in bulk. Their
// form is our own: the first block's place, and a word that says what they are.
#include <algorithm>
#include <array>

#include "bulk.h"
#include "check.h"
#include "op_cluster.h"

namespace ptxrun {
namespace {

using Response = std::array<uint32_t, 4>;
constexpr uint32_t kNothing = 0xc1c70000, kCanceled = kNothing + 1;

// A grid may also start the next cluster itself, at any time: under random schedules one of eight
// requests comes too late.
Response take_next(Launch& l) {
  const Dim3 &grid = l.grid, &shape = l.cluster;
  const Dim3 clusters{grid.x / shape.x, grid.y / shape.y, grid.z / shape.z};
  const bool late = l.schedule == Schedule::random && (l.steps * 0x9e3779b97f4a7c15) >> 61 == 0;
  if (late || l.next_cluster >= std::min(l.end_cluster, clusters.count()))
    return {0, 0, 0, kNothing};
  const uint64_t n = l.next_cluster++;
  ++l.progress;
  return {uint32_t(n % clusters.x) * shape.x, uint32_t(n / clusters.x % clusters.y) * shape.y,
          uint32_t(n / (uint64_t(clusters.x) * clusters.y)) * shape.z, kCanceled};
}

// a[0] = where to, a[1] = mbarrier; mode[0], imm: their offsets. mode[1]: for every block of the
// cluster, at the same places.
void try_cancel(Warp& w, const Op& op, uint32_t mask) {
  each_lane(mask, [&](int l) {
    Cluster& cluster = *w.block->cluster;
    if (cluster.saw_refusal)
      throw Fault{FaultKind::misuse,
                  "clusterlaunchcontrol.try_cancel after the cluster saw that a request had failed",
                  1u << l};
    const uint32_t all = (1u << cluster.blocks.size()) - 1;
    const auto places = destinations(w, op.space, lane_address(w, op, 0, op.mode[0], l),
                                     lane_address(w, op, 1, op.imm, l), sizeof(Response), 16,
                                     op.mode[1], all, false, l);
    const Response response = take_next(*w.block->launch);
    for (const Destination& d : places) {
      if (Checker* c = w.block->launch->checker.get())
        c->async_access(w, op, l, c->mbarrier_agent(*d.mbarrier.block, d.mbarrier.offset),
                        d.to.block, d.to.offset, sizeof response, true);
      issue_load(w, op, l, d, sizeof response,
                 [d, response] { std::memcpy(d.to.data(), &response, sizeof response); });
    }
  });
}

Response response_of(Warp& w, uint32_t slot, int l) {
  Response r;
  std::memcpy(&r, w.registers.data() + slot + size_t(l) * sizeof r, sizeof r);
  if (r[3] != kNothing && r[3] != kCanceled)
    throw Fault{FaultKind::misuse,
                "these 16 bytes are no answer of clusterlaunchcontrol.try_cancel", 1u << l};
  return r;
}
// a[0] = predicate, a[1] = answer.
void is_canceled(Warp& w, const Op& op, uint32_t mask) {
  uint32_t yes = 0;
  each_lane(mask, [&](int l) {
    const bool canceled = response_of(w, op.a[1], l)[3] == kCanceled;
    yes |= uint32_t(canceled) << l;
    w.block->cluster->saw_refusal |= !canceled;
  });
  w.set_pred(op.a[0], mask, yes);
}
// list = places of the dimensions mode[0] and up; a[1] = answer.
void first_block(Warp& w, const Op& op, uint32_t mask) {
  each_lane(mask, [&](int l) {
    const Response r = response_of(w, op.a[1], l);
    if (r[3] != kCanceled)
      throw Fault{FaultKind::misuse, "get_first_ctaid of a request that failed", 1u << l};
    for (size_t k = 0; k < std::min<size_t>(op.list.size(), 3); ++k)
      w.reg<uint32_t>(op.list[k].at)[l] = r[size_t(op.mode[0]) + k];
  });
}

void bind_query(Binder& b, Form& form, Op& op) {
  b.in(op, 1, b.operand(1), Type::b128);
  if (form.take("is_canceled")) {
    form.take_any({"pred", "b128"});
    b.out(op, 0, b.operand(0), Type::pred);
    op.run = is_canceled;
    return;
  }
  const bool all = form.take("get_first_ctaid");
  constexpr std::string_view kOne[] = {"get_first_ctaid::x", "get_first_ctaid::y",
                                       "get_first_ctaid::z"};
  int one = 3;
  for (int d = 0; !all && d < 3; ++d)
    if (form.take(kOne[d])) one = d;
  if (!all && one == 3) throw Unsupported("form");
  if (all && !form.take("v4")) throw Unsupported("form");
  form.take_any({"b32", "b128"});
  op.list = b.slots(b.operand(0), Type::b32, true);
  if (op.list.size() != (all ? 4u : 1u)) throw Unsupported("number of registers");
  op.mode[0] = all ? 0 : one;
  op.run = first_block;
}

}  // namespace

void bind_launch_control(Binder& b, Form& form, Op& op) {
  if (form.take("query_cancel")) return bind_query(b, form, op);
  if (!form.take("try_cancel") || !form.take("async") || !form.take("mbarrier::complete_tx::bytes"))
    throw Unsupported("form");
  op.mode[1] = form.take("multicast::cluster::all");
  op.space = form.take("shared::cta") ? Space::shared : Space::generic;
  if (form.type() != Type::b128) throw Unsupported("type");
  b.address(op, 0, b.operand(0));
  op.mode[0] = int32_t(op.imm);
  b.address(op, 1, b.operand(1));
  op.run = try_cancel;
}

}  // namespace ptxrun
