// mbarriers: objects in shared memory that count arrivals and the bytes of asynchronous copies.
//
// A phase completes when all expected arrivals have come and no announced byte is outstanding. The
// eight bytes in shared memory hold the state as a GPU's would, and a copy is kept aside: an
// operation on something else, or on an mbarrier that a store has hit, is a misuse.
#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "access.h"
#include "machine.h"

namespace ptxrun {

struct Mbarrier {
  uint32_t expected = 0, pending = 0;  // arrivals: of a phase, still to come in this one
  int64_t bytes = 0;                   // announced and not yet arrived; below 0: arrived too soon
  uint64_t phase = 0;
  uint64_t word() const {
    return (phase & 1) << 63 | uint64_t(expected & 0xfffff) << 42 |
           uint64_t(pending & 0xfffff) << 22 | (uint64_t(bytes) & 0x3fffff);
  }
};
struct Mbarriers {
  std::map<uint32_t, Mbarrier> at;  // by offset in shared memory
};

inline constexpr uint32_t kMaxArrivals = (1u << 20) - 1;

void init_mbarrier(Warp& warp, const SharedPlace& place, uint32_t count, int lane);
void invalidate_mbarrier(Warp& warp, const SharedPlace& place, int lane);
// Throws Fault unless an mbarrier is there.
Mbarrier& mbarrier_in(const SharedPlace& place, int lane);
// Phases may complete in these.
void arrive(Launch& launch, const SharedPlace& place, uint32_t count, bool drops, int lane);
void expect_bytes(Launch& launch, const SharedPlace& place, int64_t bytes, int lane);
void complete_bytes(Launch& launch, const SharedPlace& place, int64_t bytes, int lane);

// "mbarrier at shared address 0x400, phase 3: 1 of 2 arrivals and 512 bytes to come"
std::string mbarrier_text(const Block& block, uint32_t offset);

}  // namespace ptxrun
