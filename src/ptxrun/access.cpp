#include "access.h"

#include <cstdio>

#include "check.h"

namespace ptxrun {
namespace {

std::string hex(uint64_t v) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(v));
  return text;
}
std::string plural(uint64_t n, const char* what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

[[noreturn]] void out_of_bounds(const Access& a, const char* space, uint64_t address, int lane,
                                const std::string& where) {
  throw Fault{FaultKind::out_of_bounds,
              std::string(a.write ? "write" : "read") + " of " + plural(a.bytes, "byte") + " at " +
                  space + " address " + hex(address) + ": " + where,
              1u << lane};
}
[[noreturn]] void misaligned(const Access& a, const char* space, uint64_t address, int lane) {
  throw Fault{FaultKind::misaligned,
              std::string(a.write ? "write" : "read") + " of " + plural(a.bytes, "byte") + " at " +
                  space + " address " + hex(address) + ", which is not a multiple of " +
                  std::to_string(a.bytes),
              1u << lane};
}

// Whose shared memory an address with a rank names: the block's own, or with `peers` any of its
// cluster that has not exited.
Block& owner_of(Warp& w, const Access& a, uint32_t address, bool peers, int lane) {
  Block& own = *w.block;
  const uint32_t rank = address >> kRankShift;
  if (rank == own.rank) return own;
  const auto& blocks = own.cluster->blocks;
  if (rank >= blocks.size())
    out_of_bounds(
        a, "shared", address, lane,
        "block " + std::to_string(rank) + " of a cluster of " + plural(blocks.size(), "block"));
  if (!peers)
    throw Fault{FaultKind::misuse,
                "shared address " + hex(address) + " is of block " + std::to_string(rank) +
                    " of the cluster, but the instruction reaches its own block's memory only",
                1u << lane};
  if (blocks[rank]->live_threads == 0)
    throw Fault{FaultKind::exited_peer,
                std::string(a.write ? "write to" : "read of") + " shared memory of block " +
                    std::to_string(rank) + " of the cluster, which has exited",
                1u << lane};
  return *blocks[rank];
}

void shared_lane(Warp& w, Access& a, int lane, uint64_t address, bool peers) {
  Block& block = owner_of(w, a, uint32_t(address), peers, lane);
  const uint64_t offset = (address & kOffsetMask) - kSharedBase;
  if (offset + a.bytes > block.shared.size() || offset + a.bytes < offset)
    out_of_bounds(a, "shared", address, lane,
                  "the block has " + plural(block.shared.size(), "byte") + " from " +
                      hex(kSharedBase) + " on");
  if (offset % a.bytes) misaligned(a, "shared", address, lane);
  a.shared |= 1u << lane;
  a.owner[lane] = &block;
  a.address[lane] = offset;
  a.data[lane] = block.shared.data() + offset;
}

void local_lane(Warp& w, Access& a, int lane, uint64_t offset) {
  const uint64_t size = w.block->launch->kernel->local_bytes;
  if (offset + a.bytes > size || offset + a.bytes < offset)
    out_of_bounds(a, "local", offset, lane, "a thread has " + plural(size, "byte"));
  if (offset % a.bytes) misaligned(a, "local", offset, lane);
  a.data[lane] = w.local.data() + uint64_t(lane) * size + offset;
}

void param_lane(Warp& w, Access& a, int lane, uint64_t offset) {
  const std::vector<uint8_t>& params = w.block->launch->params;
  if (offset + a.bytes > params.size() || offset + a.bytes < offset)
    out_of_bounds(a, "parameter", offset, lane,
                  "the parameters have " + plural(params.size(), "byte"));
  if (a.write) throw Fault{FaultKind::misuse, "write to a kernel parameter", 1u << lane};
  a.data[lane] = const_cast<uint8_t*>(params.data()) + offset;
}

// The allocation that holds these bytes, of those hit last; null: none of them.
const Recent* recent_of(const Launch& launch, uint64_t address, uint32_t bytes) {
  for (const Recent& r : launch.recent)
    if (address - r.base < r.bytes && r.bytes - (address - r.base) >= bytes) return &r;
  return nullptr;
}
const Recent& found_at(Launch& launch, const Allocation& found) {
  Recent& r = launch.recent[launch.next_recent++ % launch.recent.size()];
  return r = {found.base, found.bytes, found.data};
}

// Every lane in one allocation, one of those hit last, and aligned: the usual case of global
// memory, found out for all lanes at once. The windows of other spaces lie in no allocation, so
// generic addresses may ask.
bool all_recent(const Launch& launch, uint32_t mask, Access& a) {
  if (mask != kAll) return false;
  const Recent* const r = recent_of(launch, a.address[0], a.bytes);
  if (!r) return false;
  const uint64_t base = r->base, reach = r->bytes - a.bytes;
  uint64_t farthest = 0, bits = 0;
  for (int l = 0; l < kLanes; ++l) {
    const uint64_t offset = a.address[l] - base;  // below the base: beyond every reach
    farthest = farthest > offset ? farthest : offset;
    bits |= a.address[l];
  }
  if (farthest > reach || bits % a.bytes) return false;
  uint8_t* const data = r->data;
  for (int l = 0; l < kLanes; ++l) a.data[l] = data + (a.address[l] - base);
  a.global = kAll;
  return true;
}

void global_lane(Warp& w, Access& a, int lane, uint64_t address) {
  Launch& launch = *w.block->launch;
  const Recent* r = recent_of(launch, address, a.bytes);
  if (!r) {
    const Allocation* found = launch.memory->find(address, a.bytes);
    if (!found) out_of_bounds(a, "global", address, lane, launch.memory->describe(address));
    check_peer(launch, *found, address, a.bytes, a.write, lane);
    r = &found_at(launch, *found);
  }
  if (address % a.bytes) misaligned(a, "global", address, lane);
  a.global |= 1u << lane;
  a.address[lane] = address;
  a.data[lane] = r->data + (address - r->base);
}

void lane(Warp& w, Access& a, Space space, int l, uint64_t address) {
  switch (space) {
    case Space::shared:
      return shared_lane(w, a, l, address, false);
    case Space::cluster:
      return shared_lane(w, a, l, address, true);
    case Space::local:
      return local_lane(w, a, l, address);
    case Space::param:
      return param_lane(w, a, l, address);
    case Space::generic: {
      const Memory& m = *w.block->launch->memory;
      if (address - m.shared_window() < kSharedWindowBytes)
        return shared_lane(w, a, l, address - m.shared_window(), true);
      if (address - m.local_window() < kLocalWindowBytes)
        return local_lane(w, a, l, address - m.local_window());
      if (address - m.param_window() < kParamWindowBytes)
        return param_lane(w, a, l, address - m.param_window());
      return global_lane(w, a, l, address);
    }
    default:
      return global_lane(w, a, l, address);
  }
}

}  // namespace

void check_peer(const Launch& launch, const Allocation& found, uint64_t address, uint64_t bytes,
                bool write, int lane) {
  if (launch.memory->reaches(launch.device, found)) return;
  throw Fault{FaultKind::no_peer,
              std::string(write ? "write" : "read") + " of " + plural(bytes, "byte") +
                  " at global address " + hex(address) + ": " + launch.memory->describe(address) +
                  ", to which device " + std::to_string(launch.device) +
                  " has no access: cudaDeviceEnablePeerAccess is missing",
              1u << lane};
}

void locate_at(Warp& w, const Op& op, uint32_t mask, Space space, Access& a) {
  a.mask = mask;
  const bool may_be_global =
      space == Space::global || space == Space::generic || space == Space::constant;
  if (!may_be_global || !all_recent(*w.block->launch, mask, a))
    each_lane(mask, [&](int l) { lane(w, a, space, l, a.address[l]); });
  Launch& launch = *w.block->launch;
  if (!launch.counts.empty()) count_access(launch.counts[number_of(launch, op)], a);
  if (launch.checker && (a.shared | a.global)) launch.checker->access(w, op, a);
}

void locate(Warp& w, const Op& op, uint32_t mask, int base, Access& a) {
  const size_t k = size_t(base);
  if (op.size[k] == 4) {
    const uint32_t* p = w.reg<uint32_t>(op.a[k]);
    each_value(mask, [&](int l) { a.address[l] = uint32_t(p[l] + uint32_t(op.imm)); });
  } else {
    const uint64_t* p = w.reg<uint64_t>(op.a[k]);
    each_value(mask, [&](int l) { a.address[l] = p[l] + uint64_t(op.imm); });
  }
  locate_at(w, op, mask, op.space, a);
}

uint8_t* resolve(Warp& w, const Op&, Space space, uint64_t address, uint32_t bytes, int l,
                 bool write) {
  Access a;
  a.bytes = bytes, a.write = write;
  lane(w, a, space, l, address);
  return a.data[l];
}

SharedPlace shared_place(Warp& w, Space space, uint64_t address, uint32_t bytes, uint32_t align,
                         int l, bool write) {
  Access a;
  a.bytes = 1, a.write = write;
  lane(w, a, space, l, address);
  if (!a.shared)
    throw Fault{FaultKind::misuse, "address " + hex(address) + " is not of shared memory", 1u << l};
  const uint32_t offset = uint32_t(a.address[l]);
  a.bytes = bytes;
  if (uint64_t(offset) + bytes > a.owner[l]->shared.size())
    out_of_bounds(a, "shared", address, l,
                  "the block has " + plural(a.owner[l]->shared.size(), "byte") + " from " +
                      hex(kSharedBase) + " on");
  if (offset % align)
    throw Fault{FaultKind::misaligned,
                std::string(write ? "write" : "read") + " of " + plural(bytes, "byte") +
                    " at shared address " + hex(address) + ", which is not a multiple of " +
                    std::to_string(align),
                1u << l};
  return {a.owner[l], offset};
}

}  // namespace ptxrun
