// What executes: a kernel bound to slots of a lane-wide register file, and the warps, blocks and
// launches that run it.
//
// A register is a slot: 32 values side by side, one a lane; a predicate is one 32-bit mask.
// Immediates and special registers are slots too, filled beforehand, so an operand is always an
// offset.
#pragma once
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "parser.h"
#include "report.h"

namespace ptxrun {

struct Op;
struct Warp;
struct Block;
struct Cluster;
struct Launch;
class Memory;
class Checker;
struct Copies;
struct Bulk;
struct Mbarriers;
struct Pending;
struct Flight;
struct Wgmma;
struct TensorMemory;
struct Transfers;

inline constexpr int kLanes = 32;
inline constexpr uint32_t kAll = ~0u;

// Executes `op` for the lanes of `mask`, which is never 0.
using Handler = void (*)(Warp& warp, const Op& op, uint32_t mask);

enum class Flow : uint8_t {
  straight,
  branch,
  call,
  leave,       // ret in a kernel, or exit
  give_back,   // ret in a function
  barrier,     // bar.*, barrier.*: the block's
  collective,  // lanes named by a mask operand (a[5]) must come together
  aligned,     // all live lanes of the warp must come together; may ask to be executed again
  retry,       // may ask to be executed again when something has happened (warp.again)
};

// Vectors of lanes are read and written whole: none of them should lie across two lines.
inline constexpr uint32_t kLine = 64;
template <class T>
struct LineAllocator {
  using value_type = T;
  LineAllocator() = default;
  template <class U>
  LineAllocator(const LineAllocator<U>&) {}
  T* allocate(size_t n) {
    return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t(kLine)));
  }
  void deallocate(T* p, size_t) { ::operator delete(p, std::align_val_t(kLine)); }
  bool operator==(const LineAllocator&) const { return true; }
};
using AlignedBytes = std::vector<uint8_t, LineAllocator<uint8_t>>;

struct Slot {
  uint32_t at = 0;
  uint8_t size = 0;  // bytes a lane; 0 for a predicate
};

struct Count {
  uint64_t warps = 0, lanes = 0;
  uint64_t wavefronts = 0, ideal_wavefronts = 0;  // shared memory
  uint64_t sectors = 0, ideal_sectors = 0;        // global memory, 32 bytes each
};
void add(Count& to, const Count& from);

// What most handlers use of it is one line of the cache.
struct alignas(64) Op {
  Handler run = nullptr;
  Flow flow = Flow::straight;
  bool guard_negated = false;
  uint8_t elements = 1;  // of a vector access
  uint8_t negated = 0;   // bit k: predicate operand k is complemented
  bool is_warp_barrier = false;
  Space space = Space::generic;
  int32_t guard = -1;             // slot of the predicate, or -1
  uint32_t target = 0;            // of a branch or call
  std::array<uint32_t, 6> a{};    // slots; each handler says which is which
  std::array<uint8_t, 6> size{};  // bytes a lane of these slots
  int64_t imm = 0;
  std::array<int32_t, 4> mode{};  // small constants of the form
  std::vector<Slot> list;
  const Instruction* ins = nullptr;
  const Function* function = nullptr;
};

// Slots of the registers that an instruction reads and writes.
struct RegisterUse {
  std::vector<uint32_t> reads, writes;
};

struct Kernel {
  std::string name;
  const Module* module = nullptr;
  const Function* function = nullptr;
  std::vector<Op> code;
  mutable std::vector<Count> counts;  // of each instruction, over all launches that counted
  bool communicates = false;          // its blocks may hear of each other before the launch ends
  bool tracks_registers = false;      // there are instructions that use them later: flight.h
  std::vector<RegisterUse> uses;      // then: of each instruction; empty for those that do that
  std::vector<std::string> unknown;   // instructions without a meaning here: the kernel is refused
  // 32-bit registers of a thread: at the start of one that has setmaxnreg, 0 if it has none or no
  // bounds; and at all, registers.h, 0 until somebody asks.
  uint32_t pool_registers = 0;
  mutable uint32_t registers = 0;
  uint32_t register_bytes = 0;
  struct Constant {
    Slot slot;
    uint64_t bits;
    bool shared = false;  // a shared address: the rank of the block in its cluster is added
  };
  std::vector<Constant> constants;
  struct Special {
    Slot slot;
    int which;  // of special.h
  };
  std::vector<Special> specials;
  struct Param {
    uint32_t at, bytes;
  };
  std::vector<Param> params;
  uint32_t param_bytes = 0, local_bytes = 0, static_shared = 0;
};

// Lanes at one place. Groups of a warp split at divergent branches and merge where they meet.
struct Group {
  enum class Wait : uint8_t { none, barrier, together, event };
  uint32_t pc = 0, mask = 0;
  Wait wait = Wait::none;
  int barrier = -1;
  uint64_t seen = 0;          // Wait::event: launch.progress at the last attempt
  bool expired = false;       // the next attempt must not wait: nobody else can go on
  Block* mbarrier = nullptr;  // waited for: whose, and where
  uint32_t mbarrier_at = 0;
  std::vector<uint32_t> returns;  // return addresses, innermost last
};

struct Warp {
  Block* block = nullptr;
  int index = 0;
  uint32_t live = 0;  // lanes that exist and have not exited
  uint32_t exists = 0;
  std::vector<Group> groups;
  AlignedBytes registers;
  std::vector<uint8_t> local;
  const Op* op = nullptr;  // being executed
  Group* group = nullptr;  // that executes it
  bool again = false;      // the instruction did not succeed: it is to be executed again
  bool stalled = false;    // the last slice ended in such an instruction
  bool ended = false;      // what is to be done at its end was done
  uint64_t steps = 0, whole_until = 0;  // the step from which on the warp is split
  uint32_t held = 0;  // registers of a thread after setmaxnreg; 0: as many as at the start
  std::shared_ptr<Copies> copies;        // asynchronous, of this warp: op_async.cpp
  std::shared_ptr<Bulk> bulk;            // and in bulk: bulk.h
  std::shared_ptr<Flight> flight;        // registers in use by what was issued: flight.h
  std::shared_ptr<Wgmma> wgmma;          // op_wgmma.cpp
  std::shared_ptr<Transfers> transfers;  // op_tcgen05.cpp
  // barrier.cluster: lanes that arrived and have not waited, and in which phase of the barrier.
  uint32_t cluster_arrived = 0;
  uint64_t cluster_phase = 0;

  template <class T>
  T* reg(uint32_t at) {
    return reinterpret_cast<T*>(registers.data() + at);
  }
  uint32_t pred(const Op& op, int k) {
    const uint32_t p = *reg<uint32_t>(op.a[size_t(k)]);
    return op.negated >> k & 1 ? ~p : p;
  }
  void set_pred(uint32_t at, uint32_t mask, uint32_t value) {
    uint32_t& p = *reg<uint32_t>(at);
    p = (p & ~mask) | (value & mask);
  }
};

struct Barrier {
  uint32_t lanes = 0;     // arrived, exactly
  uint32_t threads = 0;   // arrived, warps counted whole, as .sync with a count does
  uint32_t expected = 0;  // 0: every live thread of the block
  bool active = false;
  uint32_t popc = 0, all = 1, any = 0, predicates = 0;  // bar.red
};

struct Dim3 {
  uint32_t x = 1, y = 1, z = 1;
  uint64_t count() const { return uint64_t(x) * y * z; }
};

struct Block {
  Launch* launch = nullptr;
  Cluster* cluster = nullptr;
  uint32_t rank = 0;  // in the cluster
  Dim3 index;
  uint64_t linear = 0;
  uint32_t place = 0;  // among the blocks that run side by side
  uint32_t live_threads = 0;
  AlignedBytes shared;
  std::vector<std::unique_ptr<Warp>> warps;
  std::array<Barrier, 16> barriers{};
  std::shared_ptr<Mbarriers> mbarriers;  // mbarrier.h
  std::shared_ptr<TensorMemory> tensor;  // tensor_memory.h
};

// Blocks that start together and reach each other's shared memory. Without clusters: one block.
struct Cluster {
  std::vector<std::unique_ptr<Block>> blocks;  // by rank
  uint32_t place = 0;                          // among the clusters that run side by side
  uint64_t phase = 0;                          // of barrier.cluster
  uint32_t arrived = 0;                        // threads, in this phase
  bool saw_refusal = false;                    // of clusterlaunchcontrol: op_launch_control.cpp
  std::shared_ptr<Pending> pending;            // async.h
  uint32_t live_threads() const {
    uint32_t n = 0;
    for (const auto& b : blocks) n += b->live_threads;
    return n;
  }
};

// Allocations that were hit last: most accesses hit one of them again.
struct Recent {
  uint64_t base = 1, bytes = 0;
  uint8_t* data = nullptr;
};

struct Launch {
  const Kernel* kernel = nullptr;
  Dim3 grid, block, cluster;
  uint32_t dynamic_shared = 0;
  bool cooperative = false;
  bool explicit_cluster = false;  // the kernel or the launch named a cluster size
  std::vector<uint8_t> params;
  Memory* memory = nullptr;
  Report* report = nullptr;
  std::shared_ptr<Checker> checker;  // null: not asked for
  std::vector<Count> counts;         // of each instruction; empty: not asked for
  Schedule schedule = Schedule::eager;
  uint64_t progress = 0;  // stores, arrivals, exits: what can release somebody who waits
  uint64_t steps = 0;     // warp instructions executed
  uint64_t id = 0;
  uint64_t next_cluster = 0;                    // the first that has not started
  uint64_t end_cluster = ~uint64_t(0);          // and where this piece of the launch ends
  const std::atomic<uint64_t>* stop = nullptr;  // pieces that start later than this are in vain
  int sms = 1;
  int device = 0;
  uint64_t workspace = 0;                // of a cooperative launch: 64 bytes that start at zero
  FaultKind fault = FaultKind::refused;  // of a launch that failed
  Warp* blamed = nullptr;                // whose earlier instruction is being carried out
  std::array<Recent, 4> recent{};
  uint32_t next_recent = 0;
};

// Which of the kernel's instructions it is.
inline size_t number_of(const Launch& launch, const Op& op) {
  return size_t(&op - launch.kernel->code.data());
}

// Shared addresses start here, so that address 0 is nobody's. Bits 24 and up are the rank of the
// block in its cluster, as on hardware.
inline constexpr uint32_t kSharedBase = 1024;
inline constexpr int kRankShift = 24;
inline constexpr uint32_t kOffsetMask = (1u << kRankShift) - 1;

template <class F>
inline void each_lane(uint32_t mask, F&& f) {
  if (mask == kAll) {
    for (int lane = 0; lane < kLanes; ++lane) f(lane);
  } else {
    for (; mask; mask &= mask - 1) f(std::countr_zero(mask));
  }
}

// The same for an f that reads and writes its own lane of registers alone. Slots coincide or are
// disjoint, so lanes may be done together: this is where the compiler finds its vectors.
template <class F>
[[gnu::flatten]] inline void each_value(uint32_t mask, F&& f) {
  if (mask == kAll) {
#pragma GCC ivdep
    for (int lane = 0; lane < kLanes; ++lane) f(lane);
  } else {
    for (; mask; mask &= mask - 1) f(std::countr_zero(mask));
  }
}

// The same value for the lanes of `mask`, as many of its low bytes as the slot has.
inline void fill(Warp& w, const Slot& s, uint32_t mask, uint64_t bits) {
  uint8_t* const at = w.registers.data() + s.at;
  auto as = [&](auto value) {
    auto* p = reinterpret_cast<decltype(value)*>(at);
    each_value(mask, [&](int l) { p[l] = value; });
  };
  switch (s.size) {
    case 0: {
      auto& p = *reinterpret_cast<uint32_t*>(at);
      p = (p & ~mask) | (bits ? mask : 0);
      break;
    }
    case 1:
      return as(uint8_t(bits));
    case 2:
      return as(uint16_t(bits));
    case 4:
      return as(uint32_t(bits));
    case 8:
      return as(bits);
    default:
      each_lane(mask, [&](int l) { std::memcpy(at + size_t(l) * s.size, &bits, 8); });
  }
}

// A finding that ends the launch.
struct Fault {
  FaultKind kind;
  std::string what;
  uint32_t lanes = 0;
};

// Where an address leads, checked: null never returned, Fault thrown.
uint8_t* resolve(Warp& warp, const Op& op, Space space, uint64_t address, uint32_t bytes, int lane,
                 bool write);

// Executes the launch to its end, or to its first fault, which it reports; false then.
bool execute(Launch& launch);
// The same for the clusters from launch.next_cluster to launch.end_cluster.
bool execute_piece(Launch& launch);

Finding finding_at(const Launch& launch, const Op* op, uint64_t block, int thread, FaultKind kind,
                   const std::string& what);

// A finding at the instruction being executed; the launch goes on.
void note(Warp& warp, FaultKind kind, const std::string& what, uint32_t lanes);

}  // namespace ptxrun
