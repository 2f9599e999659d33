// The race and initialisation checker: happens-before by vector clocks.
//
// Every warp has a clock that counts its synchronisations, and knows of every other warp the time
// up to which that one's accesses are ordered before its own. Barriers, and atomics with fences,
// carry this knowledge from warp to warp. Inside a warp, lanes are ordered by bar.warp.sync and
// block barriers alone. Each piece of memory remembers its last write and last two reads; an access
// that conflicts with one that is not ordered before it is a race, in whatever order they were
// executed.
//
// Asynchronous work belongs to agents with clocks of their own: one for each mbarrier, whose time
// is its phase, so that a copy is ordered before those who waited for the phase it completes in;
// and for each warp, one for each kind of work that completes in groups. What reaches memory
// through the asynchronous proxy must also see ordinary writes through a proxy fence: a second
// clock, of what was fenced, travels with the first.
//
// Clocks are indexed by slot: the place of a block among those that run side by side, times its
// warps; agents come after them as they appear. A slot's time goes on when its next block starts,
// so one that knows the later time is taken to know the earlier block as well: a race may be
// missed for it, none is invented.
#pragma once
#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "access.h"
#include "machine.h"

namespace ptxrun {

// Who does asynchronous work, and when in its own time.
struct Agent {
  uint32_t slot = 0, time = 0;
  bool in_order = false;  // its work does not race with itself
};
// Kinds of work of a warp that complete in order.
enum class AgentKind : uint32_t {
  bulk_read,
  bulk_write,
  wgmma,
  tensor_core,
  tensor_load,
  tensor_store,
  count
};

class Checker {
 public:
  // `warps` of a block, `places` for blocks side by side.
  Checker(bool races, bool initialisation, uint32_t warps, uint32_t places);

  // What another piece of the launch touched in global memory joins what earlier pieces touched,
  // and is compared with it: nothing orders blocks of different pieces.
  void absorb(Checker& piece, const Launch& launch);

  void start(Block& block);  // takes the place block.place
  void end(Block& block);

  void access(Warp& warp, const Op& op, const Access& access);
  void warp_barrier(Warp& warp, uint32_t lanes);
  void arrive(Warp& warp, int barrier);
  void pass(Warp& warp, int barrier);        // by each warp that waited,
  void complete(Block& block, int barrier);  // then once
  void fence(Warp& warp);
  // Shared bytes that an asynchronous copy of `lane` fills, from its issue to its wait.
  void copy_begins(Warp& warp, const Op& op, int lane, uint32_t offset, uint32_t bytes);
  void copy_ends(Warp& warp, const Op& op, int lane, uint32_t offset, uint32_t bytes);

  // ---- clusters, mbarriers, asynchronous work ----
  void cluster_arrive(Warp& warp, uint64_t phase, bool release);
  void cluster_wait(Warp& warp, uint64_t phase);
  void cluster_complete(Cluster& cluster, uint64_t phase);

  // An mbarrier operation as an access: `strong` ones do not race among themselves.
  void mbarrier_touch(Warp& warp, const Op& op, int lane, Block& block, uint32_t at, bool strong);
  void mbarrier_arrive(Warp& warp, Block& block, uint32_t at);
  void mbarrier_complete(Block& block, uint32_t at);
  void mbarrier_acquire(Warp& warp, Block& block, uint32_t at);
  Agent mbarrier_agent(Block& block, uint32_t at);

  Agent agent(Warp& warp, AgentKind kind);   // of work issued now
  void advance(Warp& warp, AgentKind kind);  // a group ends
  // The agent of `warp` at a time that the caller counts itself.
  Agent group_agent(Warp& warp, AgentKind kind, uint32_t time);
  void waited(Warp& warp, AgentKind kind, uint32_t time);  // the warp waited up to that time
  void waited(Warp& owner, Warp& warp, AgentKind kind, uint32_t time);  // for owner's agent
  // Everything `warp`'s agent did up to now is ordered before those who wait for the mbarrier.
  void commit_to_mbarrier(Warp& warp, AgentKind kind, Block& block, uint32_t at);
  void proxy_fence(Warp& warp);
  // Shared memory of `owner`, or global memory if null, touched by an agent on behalf of a lane.
  void async_access(Warp& warp, const Op& op, int lane, Agent agent, Block* owner, uint64_t at,
                    uint32_t bytes, bool write);
  // Tensor memory: 32 lanes of one column. Touched by an agent, on behalf of the warp.
  void tensor_access(Warp& warp, const Op& op, Agent agent, Block& owner, uint32_t quarter,
                     uint32_t column, uint32_t columns, bool write);

 private:
  using Clock = std::vector<uint32_t>;  // by slot; shorter: the rest is 0
  struct Knowledge {
    Clock seen;     // up to when other slots are ordered before
    Clock proxied;  // and, of these, fenced towards the asynchronous proxy
  };
  struct WarpState {
    uint32_t now = 1;   // time of the accesses being made
    uint32_t full = 0;  // the lanes of the warp are ordered up to this time
    Knowledge known;
    Knowledge fenced;             // what a relaxed write publishes: known at the last fence
    Knowledge pending;            // what relaxed reads saw, for the next fence to acquire
    std::vector<uint32_t> lanes;  // [lane * 32 + other]: ordered up to; empty until a partial sync
  };
  struct Touch {
    uint32_t op = 0;              // of the kernel's code
    uint32_t block = 0;           // in the grid
    uint32_t slot = 0, time = 0;  // time 0: nobody
    uint16_t thread = 0;
    bool strong = false;  // atomic, volatile or ordered: no race among themselves
    bool async = false;   // the slot is an agent's
    int lane() const { return thread % kLanes; }
  };
  struct Cell {
    Touch write, reads[2];
    uint32_t value = 0;  // a hash of what an ordinary store wrote; 0: not known
    bool flight = false, written = false;
    bool silent = false;  // the write changed nothing
  };
  // Memory in pages of cells. A cell is as many bytes as every access so far touched whole: 16 at
  // most, and fewer from the first access on that touches less.
  static constexpr uint64_t kPageBytes = 1024;
  struct Page {
    int shift = 4;
    std::vector<Cell> cells;
    void refine(int to);
  };
  class Shadow {
   public:
    Page& page(uint64_t number) {
      if (number != last_) page_ = &pages_[number], last_ = number;
      return *page_;
    }
    std::unordered_map<uint64_t, Page>& pages() { return pages_; }

   private:
    std::unordered_map<uint64_t, Page> pages_;
    uint64_t last_ = ~uint64_t(0);  // the page asked for last: mostly asked for again
    Page* page_ = nullptr;
  };
  struct MbarrierState {
    Knowledge gathered, visible;  // from arrivals so far; what the last completed phase gives
  };
  struct Place {
    std::array<Knowledge, 16> barriers;
    std::array<Knowledge, 2> cluster;  // by parity of the phase; of the cluster's rank 0
    Shadow shared, tensor;
    std::unordered_map<uint64_t, Knowledge> shared_sync;  // by variable
    std::unordered_map<uint32_t, MbarrierState> mbarriers;
    std::unordered_map<uint64_t, uint32_t> agents;  // to slots
    std::unordered_map<uint32_t, Touch> visitors;   // last uses by peers, by slot
  };

  static uint32_t at(const Clock& c, uint32_t slot) { return slot < c.size() ? c[slot] : 0; }
  static void raise(Clock& c, uint32_t slot, uint32_t time);
  static void join(Clock& to, const Clock& from);
  static void join(Knowledge& to, const Knowledge& from);
  uint32_t slot(const Warp& w) const { return w.block->place * warps_ + uint32_t(w.index); }
  WarpState& state(const Warp& w) { return states_[slot(w)]; }
  Place& place(const Block& b) { return places_[b.place]; }
  Knowledge published(const Warp& w);  // all this warp knows and did
  uint32_t agent_slot(const Block& block, uint64_t key);
  uint32_t& agent_time(uint32_t slot) { return agent_times_[slot - uint32_t(states_.size())]; }
  bool ordered(const Warp& w, int lane, const Touch& t);
  Touch touch_of(const Warp& w, const Op& op, int lane) const;
  void touch(Warp& w, const Op& op, const Access& a, int lane, Cell& cell, bool silent);
  static void remember_read(Cell& cell, const Touch& mine);
  void async_touch(Warp& w, const Op& op, int lane, Agent agent, Cell& cell, bool write);
  void report(Warp& w, int lane, const std::string& what, const Touch& other);
  static void join_cells(Cell& mine, Cell& theirs, const Launch& launch);
  void synchronise(Warp& w, const Access& a);
  template <class F>
  static void each_cell(Shadow& shadow, uint64_t at, uint32_t bytes, F&& f);

  bool races_, init_;
  uint32_t warps_;
  std::vector<WarpState> states_;      // by slot
  std::vector<uint32_t> agent_times_;  // by slot, after the warps
  std::vector<Place> places_;
  std::unordered_map<uint64_t, Knowledge> global_sync_;
  Shadow global_;
  uint32_t stored_ = 0;  // Cell::value of the store being looked at
};

// What a warp's access costs: shared-memory wavefronts and global sectors, against the least
// possible.
void count_access(Count& count, const Access& access);

}  // namespace ptxrun
