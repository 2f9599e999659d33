// Blocks and warps in turn, until the grid is done, faults or can go on no more.
#include <cxxabi.h>

#include <algorithm>
#include <memory>

#include "async.h"
#include "check.h"
#include "random.h"
#include "tensor_memory.h"
#include "warp.h"

namespace ptxrun {
namespace {

std::string demangle(const std::string& name) {
  int status = 0;
  char* text = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
  const std::string out = status == 0 && text ? text : name;
  std::free(text);
  return out;
}
std::string triple(uint64_t x, uint64_t y, uint64_t z) {
  return "(" + std::to_string(x) + "," + std::to_string(y) + "," + std::to_string(z) + ")";
}

}  // namespace

// At an instruction, or null; of a block, by its number in the grid; of a thread of it, or none:
// -1.
Finding finding_at(const Launch& l, const Op* op, uint64_t block, int thread, FaultKind kind,
                   const std::string& what) {
  Finding f{.kind = kind, .what = what};
  f.where = "kernel " + demangle(l.kernel->name) + ", block " +
            triple(block % l.grid.x, block / l.grid.x % l.grid.y,
                   block / (uint64_t(l.grid.x) * l.grid.y));
  if (thread >= 0) {
    const uint32_t t = uint32_t(thread);
    f.where +=
        ", thread " + triple(t % l.block.x, t / l.block.x % l.block.y, t / (l.block.x * l.block.y));
  }
  if (op) {
    f.text = op->ins->text, f.line = op->ins->line;
    const auto& files = l.kernel->module->files;
    if (auto it = files.find(op->ins->file); it != files.end())
      f.source = it->second + ":" + std::to_string(op->ins->source_line);
  }
  return f;
}

namespace {

class Grid {
 public:
  explicit Grid(Launch& launch)
      : launch_(launch),
        options_(launch.report->options()),
        random_(options_.seed * 1000003 + launch.id + (launch.next_cluster << 32)) {}

  void run() {
    const uint64_t size = launch_.cluster.count(), first = launch_.next_cluster;
    const uint64_t end = std::min(launch_.end_cluster, launch_.grid.count() / size);
    const uint64_t clusters = end - first;
    const uint64_t side_by_side =
        launch_.cooperative
            ? clusters
            : std::min<uint64_t>(clusters,
                                 std::max<uint64_t>(1, uint64_t(options_.resident) / size));
    free_places_.resize(side_by_side);
    for (size_t k = 0; k < side_by_side; ++k) free_places_[k] = uint32_t(side_by_side - 1 - k);
    if (!options_.stats.empty()) launch_.counts.assign(launch_.kernel->code.size(), {});
    launch_.schedule = options_.schedule;
    if (options_.check_race || options_.check_init)
      launch_.checker = std::make_shared<Checker>(
          options_.check_race, options_.check_init,
          uint32_t((launch_.block.count() + kLanes - 1) / kLanes), uint32_t(side_by_side * size));
    progress_at_ = 0, last_progress_ = launch_.progress;
    while (launch_.next_cluster < end || !resident_.empty()) {
      if (launch_.stop && *launch_.stop < first) return;
      while (launch_.next_cluster < end && resident_.size() < side_by_side)
        resident_.push_back(start(launch_.next_cluster++));
      round();
      retire();
      watch();
    }
  }

 private:
  std::unique_ptr<Cluster> start(uint64_t linear) {
    const Dim3 &grid = launch_.grid, &shape = launch_.cluster;
    const Dim3 clusters{grid.x / shape.x, grid.y / shape.y, grid.z / shape.z};
    const Dim3 first{uint32_t(linear % clusters.x) * shape.x,
                     uint32_t(linear / clusters.x % clusters.y) * shape.y,
                     uint32_t(linear / (uint64_t(clusters.x) * clusters.y)) * shape.z};
    auto c = std::make_unique<Cluster>();
    c->place = free_places_.back();
    free_places_.pop_back();
    for (uint32_t rank = 0; rank < shape.count(); ++rank) {
      auto b = std::make_unique<Block>();
      b->cluster = c.get(), b->rank = rank;
      b->place = uint32_t(c->place * shape.count() + rank);
      b->index = {first.x + rank % shape.x, first.y + rank / shape.x % shape.y,
                  first.z + rank / (shape.x * shape.y)};
      b->linear = b->index.x + uint64_t(grid.x) * (b->index.y + uint64_t(grid.y) * b->index.z);
      start(*b);
      c->blocks.push_back(std::move(b));
    }
    return c;
  }
  void start(Block& b) {
    b.launch = &launch_;
    b.live_threads = uint32_t(launch_.block.count());
    b.shared = used_before();
    // 0xff: not-a-number in every format, so that a value never written spoils what it touches
    b.shared.assign(launch_.kernel->static_shared + launch_.dynamic_shared, 0xff);
    const uint32_t warps = (b.live_threads + kLanes - 1) / kLanes;
    for (uint32_t i = 0; i < warps; ++i) {
      b.warps.push_back(std::make_unique<Warp>());
      b.warps.back()->registers = used_before();
      start_warp(*b.warps.back(), b, int(i));
    }
    if (launch_.checker) launch_.checker->start(b);
  }

  // Memory of blocks that have ended, so that it need not be asked for again: of this thread, from
  // launch to launch.
  static std::vector<AlignedBytes>& spare() {
    thread_local std::vector<AlignedBytes> buffers;
    return buffers;
  }
  static AlignedBytes used_before() {
    if (spare().empty()) return {};
    AlignedBytes bytes = std::move(spare().back());
    spare().pop_back();
    return bytes;
  }
  static void keep_memory(Cluster& c) {
    constexpr size_t kMost = 256;
    for (auto& b : c.blocks) {
      for (auto w = b->warps.rbegin(); w != b->warps.rend() && spare().size() < kMost; ++w)
        spare().push_back(std::move((*w)->registers));
      if (spare().size() < kMost) spare().push_back(std::move(b->shared));
    }
  }

  // Every warp of every resident block gets one turn: forward (eager), backward (lazy), or in an
  // order drawn anew (random), then with slices drawn too.
  void round() {
    turns_.clear();
    for (auto& c : resident_)
      for (auto& b : c->blocks)
        for (auto& w : b->warps) turns_.push_back(w.get());
    if (options_.schedule == Schedule::lazy) std::reverse(turns_.begin(), turns_.end());
    if (options_.schedule == Schedule::random)
      for (size_t i = turns_.size(); i > 1; --i) std::swap(turns_[i - 1], turns_[random_.below(i)]);
    moved_ = false;
    for (Warp* w : turns_) {
      if (!can_run(*w)) continue;
      uint64_t slice = options_.slice;
      if (options_.schedule == Schedule::random) slice = 1 + random_.below(slice);
      const uint64_t before = w->steps;
      current_ = w;
      run_slice(*w, slice);
      moved_ |= w->steps != before;
      if (w->live == 0 && !w->ended) end(*w);
    }
    if (options_.schedule == Schedule::random)
      for (auto& c : resident_)
        if (c->pending) run_some(*c, random_);
  }

  void end(Warp& w) {
    w.ended = true;
    if (drain_bulk(w))
      note(w, FaultKind::leak,
           "a thread exits while bulk copies may still read its block's shared memory: "
           "cp.async.bulk.wait_group is missing",
           0);
    if (w.block->live_threads == 0 && w.block->tensor) {
      const auto& owner = w.block->tensor->owner;
      const auto held =
          std::count_if(owner.begin(), owner.end(), [](uint16_t o) { return o != 0; });
      if (held)
        note(w, FaultKind::leak,
             "the block exits with " + std::to_string(held) +
                 " columns of tensor memory: tcgen05.dealloc is missing",
             0);
    }
    if (w.block->live_threads == 0 && launch_.checker) launch_.checker->end(*w.block);
  }
  // Clusters leave when all of their blocks have.
  void retire() {
    std::erase_if(resident_, [&](const auto& c) {
      if (c->live_threads() != 0) return false;
      if (c->pending) run_all(*c);
      free_places_.push_back(c->place);
      keep_memory(*c);
      return true;
    });
  }

  void watch() {
    if (launch_.progress != last_progress_) {
      last_progress_ = launch_.progress;
      progress_at_ = launch_.steps;
      expiries_ = 0;
    }
    if (resident_.empty()) return;
    if (!moved_) {
      bool any = false;
      for (auto& c : resident_) any |= run_all(*c);
      if (any || expire()) return;
    }
    if (!moved_ || launch_.steps - progress_at_ >= options_.watchdog) stuck();
  }
  // A wait for an mbarrier may end in vain. Let all that nobody can end do so, a few times: the
  // program may have something else to do.
  bool expire() {
    if (++expiries_ > 4) return false;
    bool any = false;
    for (auto& c : resident_)
      for (auto& b : c->blocks)
        for (auto& w : b->warps)
          for (Group& g : w->groups)
            if (g.wait == Group::Wait::event && g.mbarrier) any = g.expired = true;
    return any;
  }
  // Reports the first block that cannot go on.
  [[noreturn]] void stuck() {
    const Block* block = nullptr;
    for (auto& b : resident_[0]->blocks)
      if (!block && b->live_threads) block = b.get();
    std::string who = who_waits(*block);
    for (auto& b : resident_[0]->blocks)
      if (b.get() != block && b->live_threads) who += "; " + who_waits(*b);
    bool together = false;
    for (auto& w : block->warps)
      for (Group& g : w->groups) together |= g.wait == Group::Wait::together;
    current_ = nullptr;
    for (auto& w : block->warps)
      if (!w->groups.empty() && !current_) current_ = w.get();
    const Group& g = current_->groups[0];
    current_->op = &launch_.kernel->code[g.wait == Group::Wait::barrier ? g.pc - 1 : g.pc];
    throw Fault{together && !moved_ ? FaultKind::divergence : FaultKind::deadlock,
                (!moved_ ? std::string("nobody can go on: ")
                         : "no progress for " + std::to_string(launch_.steps - progress_at_) +
                               " warp instructions: ") +
                    who,
                g.mask};
  }

 public:
  Warp* current_ = nullptr;

 private:
  Launch& launch_;
  const Options& options_;
  Random random_;
  std::vector<std::unique_ptr<Cluster>> resident_;
  std::vector<uint32_t> free_places_;
  std::vector<Warp*> turns_;
  bool moved_ = false;
  uint64_t last_progress_ = 0, progress_at_ = 0;
  int expiries_ = 0;
};

}  // namespace

void note(Warp& w, FaultKind kind, const std::string& what, uint32_t lanes) {
  const int thread = lanes ? w.index * kLanes + std::countr_zero(lanes) : -1;
  w.block->launch->report->add(
      finding_at(*w.block->launch, w.op, w.block->linear, thread, kind, what));
}

bool execute_piece(Launch& launch) {
  Grid grid(launch);
  try {
    grid.run();
    return true;
  } catch (const Fault& f) {
    launch.fault = f.kind;
    note(launch.blamed ? *launch.blamed : *grid.current_, f.kind, f.what, f.lanes);
    return false;
  }
}

}  // namespace ptxrun
