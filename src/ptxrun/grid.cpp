// Blocks and warps in turn, until the grid is done, faults or can go on no more.
#include <cxxabi.h>

#include <algorithm>
#include <memory>

#include "check.h"
#include "random.h"
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

Finding finding_at(const Warp& w, FaultKind kind, const std::string& what, uint32_t lanes) {
  const Block& b = *w.block;
  const Launch& l = *b.launch;
  Finding f{.kind = kind, .what = what};
  f.where =
      "kernel " + demangle(l.kernel->name) + ", block " + triple(b.index.x, b.index.y, b.index.z);
  if (lanes) {
    const uint32_t t = uint32_t(w.index * kLanes + std::countr_zero(lanes));
    f.where +=
        ", thread " + triple(t % l.block.x, t / l.block.x % l.block.y, t / (l.block.x * l.block.y));
  }
  if (w.op) {
    f.text = w.op->ins->text, f.line = w.op->ins->line;
    const auto& files = l.kernel->module->files;
    if (auto it = files.find(w.op->ins->file); it != files.end())
      f.source = it->second + ":" + std::to_string(w.op->ins->source_line);
  }
  return f;
}

class Grid {
 public:
  explicit Grid(Launch& launch)
      : launch_(launch),
        options_(launch.report->options()),
        random_(options_.seed * 1000003 + launch.id) {}

  void run() {
    const uint64_t blocks = launch_.grid.count();
    const size_t side_by_side =
        launch_.cooperative ? blocks : std::min<uint64_t>(blocks, uint64_t(options_.resident));
    free_places_.resize(side_by_side);
    for (size_t k = 0; k < side_by_side; ++k) free_places_[k] = uint32_t(side_by_side - 1 - k);
    launch_.counts_accesses = !options_.stats.empty();
    launch_.schedule = options_.schedule;
    if (options_.check_race || options_.check_init)
      launch_.checker = std::make_shared<Checker>(
          options_.check_race, options_.check_init,
          uint32_t((launch_.block.count() + kLanes - 1) / kLanes), uint32_t(side_by_side));
    progress_at_ = 0, last_progress_ = launch_.progress;
    while (next_ < blocks || !resident_.empty()) {
      while (next_ < blocks && resident_.size() < side_by_side) resident_.push_back(start(next_++));
      round();
      std::erase_if(resident_, [&](const auto& b) {
        if (b->live_threads == 0) free_places_.push_back(b->place);
        return b->live_threads == 0;
      });
      watch();
    }
  }

 private:
  std::unique_ptr<Block> start(uint64_t linear) {
    auto b = std::make_unique<Block>();
    b->launch = &launch_, b->linear = linear;
    b->index = {uint32_t(linear % launch_.grid.x),
                uint32_t(linear / launch_.grid.x % launch_.grid.y),
                uint32_t(linear / (uint64_t(launch_.grid.x) * launch_.grid.y))};
    b->live_threads = uint32_t(launch_.block.count());
    // 0xff: not-a-number in every format, so that a value never written spoils what it touches
    b->shared.assign(launch_.kernel->static_shared + launch_.dynamic_shared, 0xff);
    b->place = free_places_.back();
    free_places_.pop_back();
    const uint32_t warps = (b->live_threads + kLanes - 1) / kLanes;
    for (uint32_t i = 0; i < warps; ++i) {
      b->warps.push_back(std::make_unique<Warp>());
      start_warp(*b->warps.back(), *b, int(i));
    }
    if (launch_.checker) launch_.checker->start(*b);
    return b;
  }

  // Every warp of every resident block gets one turn: forward (eager), backward (lazy), or in an
  // order drawn anew (random), then with slices drawn too.
  void round() {
    turns_.clear();
    for (auto& b : resident_)
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
    }
  }

  void watch() {
    if (launch_.progress != last_progress_) {
      last_progress_ = launch_.progress;
      progress_at_ = launch_.steps;
    }
    if (resident_.empty()) return;
    const bool blocked = !moved_;
    if (!blocked && launch_.steps - progress_at_ < options_.watchdog) return;
    // Report the first block that cannot go on.
    const Block* stuck = resident_[0].get();
    bool together = false;
    for (auto& w : stuck->warps)
      for (Group& g : w->groups) together |= g.wait == Group::Wait::together;
    current_ = nullptr;
    for (auto& w : stuck->warps)
      if (!w->groups.empty() && !current_) current_ = w.get();
    const Group& g = current_->groups[0];
    current_->op = &launch_.kernel->code[g.wait == Group::Wait::barrier ? g.pc - 1 : g.pc];
    throw Fault{together && blocked ? FaultKind::divergence : FaultKind::deadlock,
                (blocked ? std::string("nobody can go on: ")
                         : "no progress for " + std::to_string(launch_.steps - progress_at_) +
                               " warp instructions: ") +
                    who_waits(*stuck),
                g.mask};
  }

 public:
  Warp* current_ = nullptr;

 private:
  Launch& launch_;
  const Options& options_;
  Random random_;
  uint64_t next_ = 0;
  std::vector<std::unique_ptr<Block>> resident_;
  std::vector<uint32_t> free_places_;
  std::vector<Warp*> turns_;
  bool moved_ = false;
  uint64_t last_progress_ = 0, progress_at_ = 0;
};

}  // namespace

void note(Warp& w, FaultKind kind, const std::string& what, uint32_t lanes) {
  w.block->launch->report->add(finding_at(w, kind, what, lanes));
}

bool execute(Launch& launch) {
  forget_recent_allocation();
  Grid grid(launch);
  try {
    grid.run();
    return true;
  } catch (const Fault& f) {
    launch.fault = f.kind;
    note(*grid.current_, f.kind, f.what, f.lanes);
    return false;
  }
}

}  // namespace ptxrun
