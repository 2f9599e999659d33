// What the copies of op_bulk.cpp (lines of bytes) and op_tensor.cpp (boxes of tensors) share.
#pragma once
#include "access.h"
#include "async.h"
#include "bind.h"

namespace ptxrun {

// Where a load goes: one place for each block of a multicast, with the mbarrier it completes on.
struct Destination {
  SharedPlace to, mbarrier;
};
// `mask` of ranks if `multicast`, else the place named. `pair`: the mbarrier may be that of the
// other block of a pair (.cta_group::2).
std::vector<Destination> destinations(Warp& warp, Space space, uint64_t to, uint64_t mbarrier,
                                      uint32_t bytes, uint32_t align, bool multicast, uint32_t mask,
                                      bool pair, int lane);
// Issues the work that fills `d.to` by `fill` and then counts `bytes` on the mbarrier.
void issue_load(Warp& warp, const Op& op, int lane, const Destination& d, uint32_t bytes,
                std::function<void()> fill);

// to[i] = to[i] OP from[i].
using Combine = void (*)(uint8_t* to, const uint8_t* from, size_t bytes);
enum class Reduction : uint8_t { add, min, max, and_, or_, xor_, inc, dec };
Reduction take_reduction(Form& form);           // Unsupported if there is none
Combine combination(Reduction how, Type type);  // null: not for this type

// Global memory for an asynchronous access, checked for the lane; rows may start at any byte.
uint8_t* global_bytes(Warp& warp, uint64_t address, uint64_t bytes, int lane, bool write);

uint64_t lane_address(Warp& warp, const Op& op, int k, int64_t offset, int lane);

void bind_bulk(Binder& binder, Form& form, Op& op, bool reduces);
void bind_tensor(Binder& binder, Form& form, Op& op, bool reduces);
void bind_tensor_map(Binder& binder, Form& form, Op& op);

}  // namespace ptxrun
