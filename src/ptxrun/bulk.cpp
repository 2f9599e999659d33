#include "bulk.h"

#include "access.h"
#include "check.h"
#include "mbarrier.h"
#include "memory.h"
#include "number.h"
#include "operators.h"

namespace ptxrun {

uint64_t lane_address(Warp& w, const Op& op, int k, int64_t offset, int lane) {
  const size_t i = size_t(k);
  return (op.size[i] == 4 ? w.reg<uint32_t>(op.a[i])[lane] : w.reg<uint64_t>(op.a[i])[lane]) +
         uint64_t(offset);
}

uint8_t* global_bytes(Warp& w, uint64_t address, uint64_t bytes, int lane, bool write) {
  const Launch& launch = *w.block->launch;
  const Memory& memory = *launch.memory;
  const Allocation* a = memory.find(address, bytes);
  if (!a)
    throw Fault{FaultKind::out_of_bounds,
                std::string("asynchronous ") + (write ? "write" : "read") + " of " +
                    std::to_string(bytes) + " bytes of global memory: " +
                    memory.describe(memory.find(address, 1) ? address + bytes - 1 : address),
                1u << lane};
  check_peer(launch, *a, address, bytes, write, lane);
  return a->data + (address - a->base);
}

std::vector<Destination> destinations(Warp& w, Space space, uint64_t to, uint64_t mbarrier,
                                      uint32_t bytes, uint32_t align, bool multicast, uint32_t mask,
                                      bool pair, int lane) {
  std::vector<Destination> all;
  if (!multicast) {
    const Destination d{shared_place(w, space, to, bytes, align, lane, true),
                        shared_place(w, space, mbarrier, 8, 8, lane, true)};
    const bool together = d.to.block == d.mbarrier.block ||
                          (pair && d.to.block->rank / 2 == d.mbarrier.block->rank / 2);
    if (!together)
      throw Fault{FaultKind::misuse,
                  "the copy and its mbarrier are in the shared memory of different blocks",
                  1u << lane};
    return {d};
  }
  const auto& blocks = w.block->cluster->blocks;
  if (mask == 0 || mask >> blocks.size())
    throw Fault{FaultKind::misuse,
                "multicast to blocks of mask " + std::to_string(mask) + ", but the cluster has " +
                    std::to_string(blocks.size()),
                1u << lane};
  const uint32_t leader = uint32_t(mbarrier) >> kRankShift & 1;
  for (uint32_t rank = 0; rank < blocks.size(); ++rank) {
    if (!(mask >> rank & 1)) continue;
    auto in = [&](uint64_t address, uint32_t block, uint32_t n, uint32_t alignment) {
      return shared_place(w, Space::cluster,
                          uint64_t(block) << kRankShift | (address & kOffsetMask), n, alignment,
                          lane, true);
    };
    all.push_back(
        {in(to, rank, bytes, align), in(mbarrier, pair ? (rank & ~1u) | leader : rank, 8, 8)});
  }
  return all;
}

void issue_load(Warp& w, const Op& op, int lane, const Destination& d, uint32_t bytes,
                std::function<void()> fill) {
  mbarrier_in(d.mbarrier, lane);
  Launch* const launch = w.block->launch;
  issue(w, {.by = &w,
            .op = &op,
            .lane = uint32_t(lane),
            .target = d.mbarrier.block,
            .target_at = d.mbarrier.offset,
            .run = [=] {
              if (d.to.block->live_threads == 0)
                throw Fault{
                    FaultKind::exited_peer,
                    "an asynchronous copy arrives in shared memory of a block that has exited",
                    1u << lane};
              fill();
              complete_bytes(*launch, d.mbarrier, bytes, lane);
            }});
}

namespace {

template <class T, class F>
void combine(uint8_t* to, const uint8_t* from, size_t bytes) {
  for (size_t k = 0; k + sizeof(T) <= bytes; k += sizeof(T)) {
    T a, b;
    std::memcpy(&a, to + k, sizeof a), std::memcpy(&b, from + k, sizeof b);
    a = F{}(a, b);
    std::memcpy(to + k, &a, sizeof a);
  }
}

template <class F>
Combine whole(Type t) {
  switch (t) {
    case Type::u32:
    case Type::b32:
      return combine<uint32_t, F>;
    case Type::s32:
      return combine<int32_t, F>;
    case Type::u64:
    case Type::b64:
      return combine<uint64_t, F>;
    case Type::s64:
      return combine<int64_t, F>;
    default:
      return nullptr;
  }
}
template <class F, uint16_t (*Half)(uint16_t, uint16_t), uint16_t (*Bf16)(uint16_t, uint16_t)>
Combine number(Type t) {
  if (t == Type::f16) return combine<uint16_t, Halves<uint16_t, Half>>;
  if (t == Type::bf16) return combine<uint16_t, Halves<uint16_t, Bf16>>;
  if (t == Type::f32) return combine<float, F>;
  if (t == Type::f64) return combine<double, F>;
  return whole<F>(t);
}

}  // namespace

Reduction take_reduction(Form& form) {
  constexpr std::string_view kNames[] = {"add", "min", "max", "and", "or", "xor", "inc", "dec"};
  form.take("noftz");
  for (size_t k = 0; k < std::size(kNames); ++k)
    if (form.take(kNames[k])) return Reduction(k);
  throw Unsupported("reduction");
}
Combine combination(Reduction how, Type t) {
  switch (how) {
    case Reduction::add:
      return number<Add, Narrow<kF16>::add, Narrow<kBf16>::add>(t);
    case Reduction::min:
      return number<Min, Narrow<kF16>::lower, Narrow<kBf16>::lower>(t);
    case Reduction::max:
      return number<Max, Narrow<kF16>::upper, Narrow<kBf16>::upper>(t);
    case Reduction::and_:
      return whole<And>(t);
    case Reduction::or_:
      return whole<Or>(t);
    case Reduction::xor_:
      return whole<Xor>(t);
    case Reduction::inc:
      return t == Type::u32 ? combine<uint32_t, Increase> : nullptr;
    default:
      return t == Type::u32 ? combine<uint32_t, Decrease> : nullptr;
  }
}

}  // namespace ptxrun
