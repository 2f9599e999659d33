#include "special.h"

namespace ptxrun {
namespace {

struct Place {
  const Launch& launch;
  const Block& block;
  const Warp& warp;
  uint32_t lane, thread;
};
struct Row {
  std::string_view name;
  uint64_t (*value)(const Place&);
};

constexpr Row kRows[] = {
    {"%tid.x", [](const Place& p) -> uint64_t { return p.thread % p.launch.block.x; }},
    {"%tid.y",
     [](const Place& p) -> uint64_t { return p.thread / p.launch.block.x % p.launch.block.y; }},
    {"%tid.z",
     [](const Place& p) -> uint64_t { return p.thread / (p.launch.block.x * p.launch.block.y); }},
    {"%ntid.x", [](const Place& p) -> uint64_t { return p.launch.block.x; }},
    {"%ntid.y", [](const Place& p) -> uint64_t { return p.launch.block.y; }},
    {"%ntid.z", [](const Place& p) -> uint64_t { return p.launch.block.z; }},
    {"%ctaid.x", [](const Place& p) -> uint64_t { return p.block.index.x; }},
    {"%ctaid.y", [](const Place& p) -> uint64_t { return p.block.index.y; }},
    {"%ctaid.z", [](const Place& p) -> uint64_t { return p.block.index.z; }},
    {"%nctaid.x", [](const Place& p) -> uint64_t { return p.launch.grid.x; }},
    {"%nctaid.y", [](const Place& p) -> uint64_t { return p.launch.grid.y; }},
    {"%nctaid.z", [](const Place& p) -> uint64_t { return p.launch.grid.z; }},
    {"%clusterid.x",
     [](const Place& p) -> uint64_t { return p.block.index.x / p.launch.cluster.x; }},
    {"%clusterid.y",
     [](const Place& p) -> uint64_t { return p.block.index.y / p.launch.cluster.y; }},
    {"%clusterid.z",
     [](const Place& p) -> uint64_t { return p.block.index.z / p.launch.cluster.z; }},
    {"%nclusterid.x",
     [](const Place& p) -> uint64_t { return p.launch.grid.x / p.launch.cluster.x; }},
    {"%nclusterid.y",
     [](const Place& p) -> uint64_t { return p.launch.grid.y / p.launch.cluster.y; }},
    {"%nclusterid.z",
     [](const Place& p) -> uint64_t { return p.launch.grid.z / p.launch.cluster.z; }},
    {"%cluster_ctaid.x",
     [](const Place& p) -> uint64_t { return p.block.index.x % p.launch.cluster.x; }},
    {"%cluster_ctaid.y",
     [](const Place& p) -> uint64_t { return p.block.index.y % p.launch.cluster.y; }},
    {"%cluster_ctaid.z",
     [](const Place& p) -> uint64_t { return p.block.index.z % p.launch.cluster.z; }},
    {"%cluster_nctaid.x", [](const Place& p) -> uint64_t { return p.launch.cluster.x; }},
    {"%cluster_nctaid.y", [](const Place& p) -> uint64_t { return p.launch.cluster.y; }},
    {"%cluster_nctaid.z", [](const Place& p) -> uint64_t { return p.launch.cluster.z; }},
    {"%cluster_ctarank", [](const Place& p) -> uint64_t { return p.block.rank; }},
    {"%cluster_nctarank", [](const Place& p) -> uint64_t { return p.launch.cluster.count(); }},
    {"%is_explicit_cluster", [](const Place& p) -> uint64_t { return p.launch.explicit_cluster; }},
    {"%laneid", [](const Place& p) -> uint64_t { return p.lane; }},
    {"%warpid", [](const Place& p) -> uint64_t { return uint64_t(p.warp.index); }},
    {"%nwarpid", [](const Place&) -> uint64_t { return 64; }},
    {"%smid", [](const Place& p) -> uint64_t { return p.block.linear % uint64_t(p.launch.sms); }},
    {"%nsmid", [](const Place& p) -> uint64_t { return uint64_t(p.launch.sms); }},
    {"%gridid", [](const Place& p) -> uint64_t { return p.launch.id; }},
    {"%lanemask_eq", [](const Place& p) -> uint64_t { return 1u << p.lane; }},
    {"%lanemask_lt", [](const Place& p) -> uint64_t { return (1u << p.lane) - 1; }},
    {"%lanemask_le", [](const Place& p) -> uint64_t { return (2ull << p.lane) - 1; }},
    {"%lanemask_gt", [](const Place& p) -> uint64_t { return uint32_t(~((2ull << p.lane) - 1)); }},
    {"%lanemask_ge", [](const Place& p) -> uint64_t { return uint32_t(~((1ull << p.lane) - 1)); }},
    {"%dynamic_smem_size", [](const Place& p) -> uint64_t { return p.launch.dynamic_shared; }},
    // Where cooperative groups find the barrier of the grid: low and high word of an address.
    {"%envreg0", [](const Place&) -> uint64_t { return 0; }},
    {"%envreg1", [](const Place& p) -> uint64_t { return p.launch.workspace >> 32; }},
    {"%envreg2", [](const Place& p) -> uint64_t { return p.launch.workspace & 0xffffffff; }},
    {"%total_smem_size", [](const Place& p) -> uint64_t { return p.block.shared.size(); }},
};

}  // namespace

int special_named(std::string_view name) {
  for (size_t k = 0; k < std::size(kRows); ++k)
    if (kRows[k].name == name) return int(k);
  return -1;
}

uint64_t special_value(int which, const Warp& warp, int lane) {
  const Block& block = *warp.block;
  return kRows[which].value(
      {*block.launch, block, warp, uint32_t(lane), uint32_t(warp.index * kLanes + lane)});
}

}  // namespace ptxrun
