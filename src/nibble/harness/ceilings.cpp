#include "nibble/harness/ceilings.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>

#include "nibble/cpu/ceilings.h"
#include "nibble/cpu/pool.h"
#include "nibble/harness/memory.h"
#include "nibble/harness/sampler.h"

namespace nibble::harness {
namespace {

// Short trials, and many: on a machine that others use too, some fall between two of their turns.
constexpr int kTrials = 25;
constexpr double kTrialUs = 500;
constexpr size_t kChunk = 1 << 20;        // what one thread takes of DRAM at a time
constexpr int64_t kChunksPerThread = 16;  // in a trial; the next trial reads on behind them

std::atomic<uint64_t> sink;  // the results of the loops must go somewhere

using Key = std::pair<std::string, int>;
std::mutex mutex;
std::map<Key, Ceiling> measured;

// Tasks per microsecond in the best trial. task(trial, index, worker)
double best_rate(Pool& pool, int trials, int64_t tasks, auto&& task) {
  double best = 0;
  for (int trial = -1; trial < trials; ++trial) {  // the first one warms up
    const double start = steady_now_us();
    parallel_tasks(&pool, tasks,
                   [&](int64_t i, int worker) { task(std::max(trial, 0), i, worker); });
    const double us = steady_now_us() - start;
    if (trial >= 0) best = std::max(best, 1 / us);
  }
  return best * double(tasks);
}

double compute_rate(const cpu::ComputeLoop& loop, Pool& pool) {
  int64_t rounds = 1000;
  double us = 0;
  while (us < 100) {  // of one task
    const double start = steady_now_us();
    sink = loop.run(rounds *= 2);
    us = steady_now_us() - start;
  }
  // Several tasks for each worker: one that wakes late leaves its share to the others.
  const int64_t tasks = pool.threads() * std::max<int64_t>(4, int64_t(kTrialUs / us));
  const double rate =
      best_rate(pool, kTrials, tasks, [&](int, int64_t, int) { sink = loop.run(rounds); });
  return rate * double(rounds) * loop.ops_per_round * 1e-3;  // GOP/s
}

// Of caches: every worker reads its own slice again and again. Of DRAM: all take chunks in turn.
double read_rate(const cpu::ReadLoop& loop, Pool& pool, const std::byte* p, size_t slice,
                 bool dram) {
  const size_t workers = size_t(pool.threads());
  if (dram) {
    const int64_t tasks = kChunksPerThread * pool.threads();
    const auto trials = int(slice * workers / kChunk / size_t(tasks));
    return 1e-3 * double(kChunk) * best_rate(pool, trials, tasks, [&](int trial, int64_t i, int) {
             sink = loop.run(p + size_t(trial * tasks + i) * kChunk, kChunk);
           });
  }
  const size_t passes = std::max<size_t>(1, (2 << 20) / slice);
  const int64_t tasks = int64_t(workers) * 8;
  return 1e-3 * double(passes * slice) *
         best_rate(pool, kTrials, tasks, [&](int, int64_t, int worker) {
           for (size_t k = 0; k < passes; ++k) sink = loop.run(p + size_t(worker) * slice, slice);
         });
}

// Bytes that each worker reads: well inside the level, and far outside the one below.
size_t slice_bytes(const Machine& m, int threads, MemoryLevel level) {
  const auto pages = [](int64_t bytes) {
    return size_t(std::max<int64_t>(bytes, 4096)) / 4096 * 4096;
  };
  switch (level) {
    case MemoryLevel::l1:
      return pages(m.l1d_bytes / 2);
    case MemoryLevel::l2:
      return pages(m.l2_bytes / 2);
    case MemoryLevel::l3:
      return pages(std::min<int64_t>(m.l3_bytes / 2 / threads, 32 << 20));
    case MemoryLevel::dram:
      break;
  }
  int64_t total = std::max<int64_t>(4 * m.l3_bytes, 256 << 20);
  if (m.memory_bytes) total = std::min(total, m.memory_bytes / 4);
  return size_t(total / threads) / kChunk * kChunk;
}

constexpr std::string_view kLevelNames[] = {"l1_read", "l2_read", "l3_read", "dram_read"};

const Ceiling& kept(const std::string& name, int threads, auto&& measure) {
  const std::lock_guard lock(mutex);
  const auto [at, missing] = measured.try_emplace({name, threads});
  if (missing) at->second = measure();
  return at->second;
}

}  // namespace

MemoryLevel level_holding(int64_t bytes, int threads, const Machine& m) {
  const auto fits = [](int64_t need, int64_t size) { return need <= size / 4 * 3; };
  const int64_t each = bytes / std::max(1, threads);
  if (fits(each, m.l1d_bytes)) return MemoryLevel::l1;
  if (fits(each, m.l2_bytes)) return MemoryLevel::l2;
  return fits(bytes, m.l3_bytes) ? MemoryLevel::l3 : MemoryLevel::dram;
}

Ceiling read_ceiling(const Machine& machine, int threads, MemoryLevel level) {
  if (level == MemoryLevel::l3 && machine.l3_bytes == 0) level = MemoryLevel::dram;
  const std::string name(kLevelNames[int(level)]);
  return kept(name + "@" + to_string(machine.isas), threads, [&] {
    const size_t slice = slice_bytes(machine, threads, level);
    const auto pool = cpu::make_pool(threads);
    CaseMemory memory(Placement::packed);
    BufferVisitor& visitor = memory;
    uint8_t* p = nullptr;
    visitor.workspace("ceiling", p, int64_t(slice) * threads, 4096);
    Ceiling best{.name = name, .unit = "GB/s"};
    for (const cpu::ReadLoop& loop : cpu::read_loops()) {
      if (!machine.has(loop.needs)) continue;
      const double rate = read_rate(loop, *pool, reinterpret_cast<const std::byte*>(p), slice,
                                    level == MemoryLevel::dram);
      if (rate > best.value) best.value = rate, best.pattern = loop.name;
    }
    return best;
  });
}

Ceiling copy_ceiling(const Machine& machine, int threads) {
  return kept("dram_copy@" + to_string(machine.isas), threads, [&] {
    const size_t slice = slice_bytes(machine, threads, MemoryLevel::dram) / 2;
    const auto pool = cpu::make_pool(threads);
    CaseMemory memory(Placement::packed);
    BufferVisitor& visitor = memory;
    uint8_t *from = nullptr, *to = nullptr;
    visitor.workspace("from", from, int64_t(slice) * threads, 4096);
    visitor.workspace("to", to, int64_t(slice) * threads, 4096);
    const int64_t tasks = kChunksPerThread * threads;
    const auto trials = int(slice * size_t(threads) / kChunk / size_t(tasks));
    Ceiling best{.name = "dram_copy", .unit = "GB/s"};
    for (const cpu::CopyLoop& loop : cpu::copy_loops()) {
      if (!machine.has(loop.needs)) continue;
      const double chunks = best_rate(*pool, trials, tasks, [&](int trial, int64_t i, int) {
        const size_t at = size_t(trial * tasks + i) * kChunk;
        loop.run(reinterpret_cast<std::byte*>(to + at),
                 reinterpret_cast<const std::byte*>(from + at), kChunk);
      });
      const double rate = 2e-3 * double(kChunk) * chunks;
      if (rate > best.value) best.value = rate, best.pattern = loop.name;
    }
    return best;
  });
}

Ceiling compute_ceiling(const Machine& machine, int threads, IsaSet allowed,
                        Arithmetic arithmetic) {
  const auto counts = [&](Arithmetic loop) {
    if (arithmetic == Arithmetic::unstated || loop == arithmetic) return true;
    return loop == Arithmetic::fp32 &&
           (arithmetic == Arithmetic::bf16 || arithmetic == Arithmetic::fp16);
  };
  Ceiling best{.unit = "GOP/s"};
  for (const cpu::ComputeLoop& loop : cpu::compute_loops()) {
    if (!counts(loop.arithmetic) || !machine.has(loop.needs) || !allowed.contains(loop.needs))
      continue;
    const Ceiling& c = kept(std::string(loop.name), threads, [&] {
      const auto pool = cpu::make_pool(threads);
      return Ceiling{
          .name = std::string(loop.name), .unit = "GOP/s", .value = compute_rate(loop, *pool)};
    });
    if (c.value > best.value) best = c;
  }
  return best;
}

std::vector<Ceiling> all_ceilings(const Machine& machine, int threads) {
  std::vector<Ceiling> all;
  for (MemoryLevel l : {MemoryLevel::l1, MemoryLevel::l2, MemoryLevel::l3, MemoryLevel::dram})
    if (l != MemoryLevel::l3 || machine.l3_bytes > 0)
      all.push_back(read_ceiling(machine, threads, l));
  all.push_back(copy_ceiling(machine, threads));
  for (const cpu::ComputeLoop& loop : cpu::compute_loops()) {
    if (!machine.has(loop.needs)) continue;
    // Asked for by its own needs and arithmetic, a loop may be beaten by a narrower one: measure,
    // then look it up.
    compute_ceiling(machine, threads, loop.needs, loop.arithmetic);
    const std::lock_guard lock(mutex);
    all.push_back(measured.at({std::string(loop.name), threads}));
  }
  return all;
}

}  // namespace nibble::harness
