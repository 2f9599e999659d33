// A warp's access to memory: where each lane's bytes are, after every check and every counter.
#pragma once
#include "machine.h"
#include "memory.h"

namespace ptxrun {

// Memory order of an access, in rising strength; plain accesses race, the others do not race among
// themselves.
enum class Order : uint8_t { plain, relaxed, acquire, release, acquire_release };

struct Access {
  uint32_t mask = 0;
  uint32_t shared = 0, global = 0;  // which lanes touch which space
  uint32_t bytes = 0;               // a lane
  bool write = false, read = true;
  Order order = Order::plain;
  bool atomic = false;
  uint8_t* data[kLanes];
  uint64_t address[kLanes];  // of the space touched: a shared offset from 0, or a global address
  Block* owner[kLanes];      // of shared memory touched
};

// Fills `access` for the lanes of `mask`: op.a[base] + op.imm in op.space. Throws Fault on a bad
// address; tells the checkers and counters.
void locate(Warp& warp, const Op& op, uint32_t mask, int base, Access& access);
// The same for addresses that a handler computed itself (ldmatrix, cp.async).
void locate_at(Warp& warp, const Op& op, uint32_t mask, Space space, Access& access);

// Throws a Fault if the launch's device has no access to the memory.
void check_peer(const Launch& launch, const Allocation& found, uint64_t address, uint64_t bytes,
                bool write, int lane);

// An access that is not one lane's own instruction: bytes of one lane, checked but not counted.
uint8_t* resolve(Warp& warp, const Op& op, Space space, uint64_t address, uint32_t bytes, int lane,
                 bool write);

// Shared memory of the cluster at `address`, `bytes` long and aligned to `align`.
struct SharedPlace {
  Block* block;
  uint32_t offset;
  uint8_t* data() const { return block->shared.data() + offset; }
};
SharedPlace shared_place(Warp& warp, Space space, uint64_t address, uint32_t bytes, uint32_t align,
                         int lane, bool write);

}  // namespace ptxrun
