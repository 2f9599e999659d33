// Clusters: addresses of peers and the cluster's barrier. (barrier.cluster is op_control's to
// bind.)
#include "op_cluster.h"

#include "check.h"
#include "memory.h"

namespace ptxrun {
namespace {

// a[0] = address there, a[1] = address here, a[2] = rank. imm = the window of generic addresses, or
// 0 for shared ones.
template <class T>
void map_address(Warp& w, const Op& op, uint32_t mask) {
  const T* a = w.reg<T>(op.a[1]);
  const uint32_t* rank = w.reg<uint32_t>(op.a[2]);
  T* d = w.reg<T>(op.a[0]);
  const uint32_t blocks = uint32_t(w.block->cluster->blocks.size());
  each_lane(mask, [&](int l) {
    if (rank[l] >= blocks)
      throw Fault{FaultKind::misuse,
                  "block " + std::to_string(rank[l]) + " of a cluster of " + std::to_string(blocks),
                  1u << l};
    const T offset = (a[l] - T(op.imm)) & T(kOffsetMask);
    d[l] = T(op.imm) + (T(rank[l]) << kRankShift) + offset;
  });
}
template <class T>
void rank_of(Warp& w, const Op& op, uint32_t mask) {
  const T* a = w.reg<T>(op.a[1]);
  each_lane(mask, [&](int l) {
    w.reg<uint32_t>(op.a[0])[l] = uint32_t((a[l] - T(op.imm)) >> kRankShift);
  });
}
void bind_mapa(Binder& b, Form& form, Op& op) {
  const bool shared = form.take("shared::cluster");
  const Type t = form.type();
  op.imm = shared ? 0 : int64_t(b.memory().shared_window());
  b.out(op, 0, b.operand(0), t), b.in(op, 1, b.operand(1), t);
  b.in(op, 2, b.operand(2), Type::b32);
  op.run = size_of(t) == 8 ? map_address<uint64_t> : map_address<uint32_t>;
}
void bind_getctarank(Binder& b, Form& form, Op& op) {
  const bool shared = form.take("shared::cluster");
  const Type t = form.type();
  op.imm = shared ? 0 : int64_t(b.memory().shared_window());
  b.out(op, 0, b.operand(0), Type::b32), b.in(op, 1, b.operand(1), t);
  op.run = size_of(t) == 8 ? rank_of<uint64_t> : rank_of<uint32_t>;
}

// mode[0]: relaxed.
void arrive(Warp& w, const Op& op, uint32_t mask) {
  Cluster& c = *w.block->cluster;
  if (w.cluster_arrived & mask)
    throw Fault{FaultKind::misuse, "barrier.cluster.arrive twice without a wait between",
                w.cluster_arrived & mask};
  if (Checker* k = w.block->launch->checker.get()) k->cluster_arrive(w, c.phase, !op.mode[0]);
  w.cluster_arrived |= mask, w.cluster_phase = c.phase;
  c.arrived += uint32_t(std::popcount(mask));
  ++w.block->launch->progress;
  complete_cluster_barrier(*w.block);
}
void wait(Warp& w, const Op&, uint32_t mask) {
  Cluster& c = *w.block->cluster;
  if (mask & ~w.cluster_arrived)
    throw Fault{FaultKind::misuse, "barrier.cluster.wait without an arrive before it",
                mask & ~w.cluster_arrived};
  if (c.phase == w.cluster_phase) {
    w.again = true;
    return;
  }
  if (Checker* k = w.block->launch->checker.get()) k->cluster_wait(w, w.cluster_phase);
  w.cluster_arrived &= ~mask;
  ++w.block->launch->progress;
}

constexpr OpcodeRow kRows[] = {{"mapa", bind_mapa},
                               {"getctarank", bind_getctarank},
                               {"clusterlaunchcontrol", bind_launch_control}};

}  // namespace

void bind_cluster_barrier(Binder&, Form& form, Op& op) {
  const bool arrives = form.take("arrive");
  if (!arrives && !form.take("wait")) throw Unsupported("form");
  op.mode[0] = form.take("relaxed");
  form.take_any({"release", "acquire", "aligned"});
  op.run = arrives ? arrive : wait;
  op.flow = arrives ? Flow::straight : Flow::retry;
}

void complete_cluster_barrier(Block& block) {
  Cluster& c = *block.cluster;
  if (c.arrived == 0 || c.arrived < c.live_threads()) return;
  if (Checker* k = block.launch->checker.get()) k->cluster_complete(c, c.phase);
  ++c.phase, c.arrived = 0;
  ++block.launch->progress;
}

std::span<const OpcodeRow> cluster_opcodes() { return kRows; }

}  // namespace ptxrun
