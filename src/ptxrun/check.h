// The race and initialisation checker: happens-before by vector clocks.
//
// Every warp has a clock that counts its synchronisations, and knows of every other warp the time
// up to which that one's accesses are ordered before its own. Barriers, and atomics with fences,
// carry this knowledge from warp to warp. Inside a warp, lanes are ordered by bar.warp.sync and
// block barriers alone. Each piece of memory remembers its last write and last two reads; an access
// that conflicts with one that is not ordered before it is a race, in whatever order they were
// executed.
//
// Clocks are indexed by slot: the place of a block among those that run side by side, times its
// warps. A slot's time goes on when its next block starts, so one that knows the later time is
// taken to know the earlier block as well: a race may be missed for it, none is invented.
#pragma once
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "access.h"
#include "machine.h"

namespace ptxrun {

class Checker {
 public:
  // `warps` of a block, `places` for blocks side by side.
  Checker(bool races, bool initialisation, uint32_t warps, uint32_t places);

  void start(Block& block);  // takes the place block.place

  void access(Warp& warp, const Op& op, const Access& access);
  void warp_barrier(Warp& warp, uint32_t lanes);
  void arrive(Warp& warp, int barrier);
  void pass(Warp& warp, int barrier);        // by each warp that waited,
  void complete(Block& block, int barrier);  // then once
  void fence(Warp& warp);
  // Shared bytes that an asynchronous copy of `lane` fills, from its issue to its wait.
  void copy_begins(Warp& warp, const Op& op, int lane, uint32_t offset, uint32_t bytes);
  void copy_ends(Warp& warp, const Op& op, int lane, uint32_t offset, uint32_t bytes);

 private:
  using Clock = std::vector<uint32_t>;  // by slot; empty: all 0
  struct WarpState {
    uint32_t now = 1;             // time of the accesses being made
    uint32_t full = 0;            // the lanes of the warp are ordered up to this time
    Clock clock;                  // up to when other slots are ordered before this warp
    Clock fenced;                 // what a relaxed write publishes: the clock at the last fence
    Clock pending;                // what relaxed reads saw, for the next fence to acquire
    std::vector<uint32_t> lanes;  // [lane * 32 + other]: ordered up to; empty until a partial sync
  };
  struct Touch {
    const Op* op = nullptr;
    uint64_t block = 0;
    uint32_t slot = 0, time = 0;  // time 0: nobody
    uint8_t lane = 0;
    bool strong = false;  // atomic, volatile or ordered: no race among themselves
  };
  struct Cell {
    Touch write, reads[2];
    bool flight = false, written = false;
  };
  // Memory in pages of cells: 4 bytes a cell until somebody touches less.
  static constexpr uint64_t kPageBytes = 1024;
  struct Page {
    int shift = 2;
    std::vector<Cell> cells;
  };
  using Shadow = std::unordered_map<uint64_t, Page>;

  static void join(Clock& to, const Clock& from);
  uint32_t slot(const Warp& w) const { return w.block->place * warps_ + uint32_t(w.index); }
  WarpState& state(const Warp& w) { return states_[slot(w)]; }
  Clock published(const Warp& w);  // all this warp knows and did
  bool ordered(const Warp& w, int lane, const Touch& t);
  void touch(Warp& w, const Op& op, const Access& a, int lane, Cell& cell, bool silent);
  void report(Warp& w, int lane, const std::string& what, const Touch& other);
  void synchronise(Warp& w, const Access& a);
  template <class F>
  static void each_cell(Shadow& shadow, uint64_t at, uint32_t bytes, F&& f);

  bool races_, init_;
  uint32_t warps_;
  std::vector<WarpState> states_;                                 // by slot
  std::vector<std::array<Clock, 16>> barriers_;                   // by place
  std::vector<Shadow> shared_;                                    // by place
  std::vector<std::unordered_map<uint64_t, Clock>> shared_sync_;  // by place, then variable
  std::unordered_map<uint64_t, Clock> global_sync_;
  Shadow global_;
};

// What a warp's access costs: shared-memory wavefronts and global sectors, against the least
// possible.
void count_access(const Op& op, const Access& access);

}  // namespace ptxrun
