// The checker's clocks: who knows what of whom.
#include <algorithm>

#include "check.h"

namespace ptxrun {

Checker::Checker(bool races, bool initialisation, uint32_t warps, uint32_t places)
    : races_(races),
      init_(initialisation),
      warps_(warps),
      states_(size_t(warps) * places),
      places_(places) {}

void Checker::start(Block& block) {
  Place& p = place(block);
  for (const auto& [key, slot] : p.agents) ++agent_time(slot);
  const auto agents = std::move(p.agents);
  p = {};
  p.agents = std::move(agents);
  for (auto& w : block.warps) {
    WarpState& s = state(*w);
    const uint32_t now = s.now + 1;
    s = {};
    s.now = now, s.full = 0;
    s.known.seen.assign(states_.size(), 0);
  }
}

void Checker::raise(Clock& c, uint32_t slot, uint32_t time) {
  if (slot >= c.size()) c.resize(slot + 1, 0);
  c[slot] = std::max(c[slot], time);
}
void Checker::join(Clock& to, const Clock& from) {
  if (from.empty()) return;
  if (to.size() < from.size()) to.resize(from.size(), 0);
  for (size_t k = 0; k < from.size(); ++k) to[k] = std::max(to[k], from[k]);
}
void Checker::join(Knowledge& to, const Knowledge& from) {
  join(to.seen, from.seen), join(to.proxied, from.proxied);
}

Checker::Knowledge Checker::published(const Warp& w) {
  WarpState& s = state(w);
  Knowledge k = s.known;
  raise(k.seen, slot(w), s.now);
  return k;
}

// ---- barriers, fences, atomics ----

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
  join(place(*w.block).barriers[size_t(barrier)], published(w));
  ++state(w).now;
}
void Checker::pass(Warp& w, int barrier) {
  WarpState& s = state(w);
  join(s.known, place(*w.block).barriers[size_t(barrier)]);
  s.full = s.now - 1;
}
void Checker::complete(Block& block, int barrier) { place(block).barriers[size_t(barrier)] = {}; }
void Checker::fence(Warp& w) {
  WarpState& s = state(w);
  join(s.known, s.pending);
  s.pending = {};
  s.fenced = published(w);
  ++s.now;
}
// What was written before the fence, by whoever is known, may be read by asynchronous work that
// is issued after it.
void Checker::proxy_fence(Warp& w) {
  WarpState& s = state(w);
  join(s.known.proxied, published(w).seen);
  ++s.now;
}

// Atomics, volatile and ordered accesses: a write publishes what its fence (or .release) covers, a
// read takes what was published there, at its .acquire or at the next fence.
void Checker::synchronise(Warp& w, const Access& a) {
  WarpState& s = state(w);
  const bool releases = a.order == Order::release || a.order == Order::acquire_release;
  const bool acquires = a.order == Order::acquire || a.order == Order::acquire_release;
  Knowledge mine;
  if (a.write) {
    mine = releases ? published(w) : s.fenced;
    if (releases) ++s.now;
  }
  auto variable = [&](std::unordered_map<uint64_t, Knowledge>& map, uint64_t address) {
    if (a.read)
      if (auto it = map.find(address); it != map.end())
        join(acquires ? s.known : s.pending, it->second);
    if (a.write && !mine.seen.empty()) join(map[address], mine);
  };
  each_lane(a.shared, [&](int l) { variable(place(*a.owner[l]).shared_sync, a.address[l]); });
  each_lane(a.global, [&](int l) { variable(global_sync_, a.address[l]); });
}

// A relaxed arrival publishes what its last fence covers: fence.mbarrier_init is used so.
void Checker::cluster_arrive(Warp& w, uint64_t phase, bool release) {
  Knowledge& meeting = place(*w.block->cluster->blocks[0]).cluster[phase & 1];
  join(meeting, release ? published(w) : state(w).fenced);
  ++state(w).now;
}
void Checker::cluster_wait(Warp& w, uint64_t phase) {
  join(state(w).known, place(*w.block->cluster->blocks[0]).cluster[phase & 1]);
}
// Arrivals of the next phase gather anew; nobody waits for the phase before this one any more.
void Checker::cluster_complete(Cluster& cluster, uint64_t phase) {
  place(*cluster.blocks[0]).cluster[~phase & 1] = {};
}

// ---- mbarriers and agents ----

uint32_t Checker::agent_slot(const Block& block, uint64_t key) {
  auto [it, is_new] = place(block).agents.try_emplace(key);
  if (is_new) {
    it->second = uint32_t(states_.size() + agent_times_.size());
    agent_times_.push_back(1);
  }
  return it->second;
}
namespace {
uint64_t mbarrier_key(uint32_t offset) { return uint64_t(1) << 32 | offset; }
uint64_t warp_key(const Warp& w, AgentKind kind) {
  return uint64_t(w.index) * uint64_t(AgentKind::count) + uint64_t(kind);
}
}  // namespace

Agent Checker::mbarrier_agent(Block& block, uint32_t offset) {
  const uint32_t s = agent_slot(block, mbarrier_key(offset));
  return {s, agent_time(s)};
}
void Checker::mbarrier_arrive(Warp& w, Block& block, uint32_t offset) {
  join(place(block).mbarriers[offset].gathered, published(w));
  ++state(w).now;
}
void Checker::mbarrier_complete(Block& block, uint32_t offset) {
  MbarrierState& m = place(block).mbarriers[offset];
  const Agent agent = mbarrier_agent(block, offset);
  raise(m.gathered.seen, agent.slot, agent.time);
  ++agent_time(agent.slot);
  m.visible = m.gathered;
}
void Checker::mbarrier_acquire(Warp& w, Block& block, uint32_t offset) {
  join(state(w).known, place(block).mbarriers[offset].visible);
}

Agent Checker::agent(Warp& w, AgentKind kind) {
  const uint32_t s = agent_slot(*w.block, warp_key(w, kind));
  return {s, agent_time(s), kind >= AgentKind::wgmma};
}
void Checker::advance(Warp& w, AgentKind kind) { ++agent_time(agent(w, kind).slot); }
Agent Checker::group_agent(Warp& w, AgentKind kind, uint32_t time) {
  return {agent(w, kind).slot, time, true};
}
void Checker::waited(Warp& w, AgentKind kind, uint32_t time) { waited(w, w, kind, time); }
void Checker::waited(Warp& owner, Warp& w, AgentKind kind, uint32_t time) {
  raise(state(w).known.seen, agent(owner, kind).slot, time);
}
void Checker::commit_to_mbarrier(Warp& w, AgentKind kind, Block& block, uint32_t offset) {
  const Agent a = agent(w, kind);
  Knowledge k = state(w).known;
  raise(k.seen, a.slot, a.time);
  join(place(block).mbarriers[offset].gathered, k);
}

}  // namespace ptxrun
