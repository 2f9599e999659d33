// A launch in pieces, on several threads of the host.
//
// Blocks that cannot hear of each other before the launch ends may run in any order. Their grid is
// cut into pieces, each with a schedule, a checker and counters of its own, and what the pieces
// found is put together in their order. Where the cuts are depends on the launch alone, so the
// result is the same on any number of threads, one included.
#include <algorithm>
#include <chrono>
#include <exception>
#include <mutex>
#include <thread>

#include "check.h"

namespace ptxrun {
namespace {

constexpr uint64_t kPieces = 64;  // at most: enough to share out evenly, few enough to put together

struct Piece {
  explicit Piece(const Launch& whole) : launch(whole), report(whole.report->options(), true) {
    launch.report = &report;
  }
  Launch launch;
  Report report;
  bool good = false;
};

class Pieces {
 public:
  Pieces(Launch& launch, uint64_t clusters, uint64_t size)
      : launch_(launch),
        untouched_(launch),
        clusters_(clusters),
        size_(size),
        done_((clusters + size - 1) / size),
        stop_(clusters),
        history_(launch.report->options().check_race, false, 1, 0) {}

  bool run() {
    using Clock = std::chrono::steady_clock;
    const Options& options = launch_.report->options();
    const size_t processors = std::max(1u, std::thread::hardware_concurrency());
    const size_t threads =
        std::min(options.threads ? size_t(options.threads) : processors, done_.size());
    const auto begin = Clock::now();
    std::vector<std::thread> others;
    // A launch that is over before a thread has started does not need one.
    while (step())
      if (others.size() + 1 < threads && Clock::now() - begin > std::chrono::microseconds(50))
        others.emplace_back([this] {
          while (step()) {
          }
        });
    for (std::thread& t : others) t.join();
    if (error_) std::rethrow_exception(error_);
    return good_;
  }

 private:
  // Executes the next piece; false if there is none.
  bool step() {
    const size_t k = next_++;
    if (k >= done_.size() || k * size_ > stop_) return false;
    auto piece = std::make_unique<Piece>(untouched_);
    piece->launch.next_cluster = k * size_;
    piece->launch.end_cluster = std::min((k + 1) * size_, clusters_);
    piece->launch.stop = &stop_;
    try {
      piece->good = execute_piece(piece->launch);
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex_);
      error_ = std::current_exception(), stop_ = 0;
      return false;
    }
    if (!piece->good)
      for (uint64_t s = stop_; k * size_ < s && !stop_.compare_exchange_weak(s, k * size_);) {
      }
    const std::lock_guard<std::mutex> lock(mutex_);
    done_[k] = std::move(piece);
    while (joined_ < done_.size() && done_[joined_]) join(std::move(done_[joined_++]));
    return true;
  }

  // In the order of the pieces; those after a faulty one never were.
  void join(std::unique_ptr<Piece> p) {
    if (!good_) return;
    for (const Finding& f : p->report.findings()) launch_.report->add(f);
    launch_.steps += p->launch.steps;
    launch_.counts.resize(std::max(launch_.counts.size(), p->launch.counts.size()));
    for (size_t i = 0; i < p->launch.counts.size(); ++i)
      add(launch_.counts[i], p->launch.counts[i]);
    if (!p->good) good_ = false, launch_.fault = p->launch.fault;
    if (good_ && p->launch.checker) history_.absorb(*p->launch.checker, launch_);
  }

  Launch& launch_;          // gathers what the pieces give
  const Launch untouched_;  // what each of them begins with
  const uint64_t clusters_, size_;
  std::atomic<size_t> next_ = 0;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Piece>> done_;
  size_t joined_ = 0;
  bool good_ = true;
  std::atomic<uint64_t> stop_;  // the first cluster of the first piece known to be faulty
  std::exception_ptr error_;
  Checker history_;
};

}  // namespace

bool execute(Launch& launch) {
  const uint64_t blocks = launch.cluster.count(), clusters = launch.grid.count() / blocks;
  const uint64_t resident =
      std::max<uint64_t>(1, uint64_t(launch.report->options().resident) / blocks);
  const uint64_t size = std::max(resident, (clusters + kPieces - 1) / kPieces);
  const bool whole = launch.kernel->communicates || launch.cooperative || clusters <= size;
  const bool good = whole ? execute_piece(launch) : Pieces(launch, clusters, size).run();
  auto& counts = launch.kernel->counts;
  counts.resize(std::max(counts.size(), launch.counts.size()));
  for (size_t i = 0; i < launch.counts.size(); ++i) add(counts[i], launch.counts[i]);
  return good;
}

}  // namespace ptxrun
