#include "nibble/harness/ceilings.h"

#include <algorithm>
#include <atomic>
#include <iterator>
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
std::map<Key, Roof> measured;

double rate_of_one(const Roof& roof) {
  const double start = steady_now_us();
  roof.call();
  return roof.amount / (steady_now_us() - start);
}

// The best of so many trials, behind one that warms up.
double best_rate(const Roof& roof, int trials) {
  roof.call();
  double best = 0;
  for (int i = 0; i < trials; ++i) best = std::max(best, rate_of_one(roof));
  return best;
}

Roof compute_roof_of(const cpu::ComputeLoop& loop, int threads) {
  int64_t rounds = 1000;
  double us = 0;
  while (us < 100) {  // of one task
    const double start = steady_now_us();
    sink = loop.run(rounds *= 2);
    us = steady_now_us() - start;
  }
  // Several tasks for each worker: one that wakes late leaves its share to the others.
  const int64_t tasks = threads * std::max<int64_t>(4, int64_t(kTrialUs / us));
  Roof roof{.ceiling = {.name = std::string(loop.name), .unit = "GOP/s"}};
  roof.amount = double(tasks) * double(rounds) * loop.ops_per_round * 1e-3;
  roof.call = [=, pool = std::shared_ptr<Pool>(cpu::make_pool(threads)), run = loop.run] {
    parallel_tasks(pool.get(), tasks, [&](int64_t, int) { sink = run(rounds); });
  };
  roof.ceiling.value = best_rate(roof, kTrials);
  return roof;
}

// Memory that the threads of a pool read or copy.
struct Memory {
  Memory(size_t size, Pages pages) : memory(Placement::packed, pages), bytes(size) {
    BufferVisitor& visitor = memory;
    uint8_t* p = nullptr;
    visitor.workspace("ceiling", p, int64_t(size), 4096);
    begin = reinterpret_cast<std::byte*>(p);
  }
  CaseMemory memory;
  std::byte* begin = nullptr;
  size_t bytes;
};
struct Region {
  std::shared_ptr<Memory> memory;
  std::shared_ptr<Pool> pool;
  int64_t next = 0;  // chunk of DRAM: a trial reads on behind the last one
};

// As much as cold copies are, and for all roofs of DRAM the same. Of 256 MiB a last cache of 32 was
// seen to keep a part from one round to the next: two threads read 84.6 GB/s instead of 79.0.
std::shared_ptr<Memory> dram_memory(const Machine& m, Pages pages) {
  static std::map<Pages, std::shared_ptr<Memory>> known;
  auto& memory = known[pages];
  int64_t bytes = std::max<int64_t>(4 * m.l3_bytes, int64_t(1) << 30);
  if (m.memory_bytes) bytes = std::min(bytes, m.memory_bytes / 4);
  if (!memory) memory = std::make_shared<Memory>(size_t(bytes) / kChunk * kChunk, pages);
  return memory;
}

// Of caches: every worker reads its own slice again and again. Of DRAM: all take chunks in turn.
Roof cache_roof(const cpu::ReadLoop& loop, const std::shared_ptr<Region>& region, size_t slice) {
  const size_t passes = std::max<size_t>(1, (2 << 20) / slice);
  const int64_t tasks = int64_t(region->pool->threads()) * 8;
  Roof roof;
  roof.amount = double(tasks) * double(passes * slice) * 1e-3;
  roof.call = [=, run = loop.run] {
    parallel_tasks(region->pool.get(), tasks, [&](int64_t, int worker) {
      for (size_t k = 0; k < passes; ++k)
        sink = run(region->memory->begin + size_t(worker) * slice, slice);
    });
  };
  return roof;
}

Roof dram_roof(const cpu::ReadLoop& loop, const std::shared_ptr<Region>& region) {
  const int64_t tasks = kChunksPerThread * region->pool->threads();
  const auto chunks = int64_t(region->memory->bytes / kChunk) / tasks * tasks;
  Roof roof;
  roof.amount = double(tasks) * double(kChunk) * 1e-3;
  roof.call = [=, run = loop.run] {
    parallel_tasks(region->pool.get(), tasks, [&](int64_t i, int) {
      sink = run(region->memory->begin + size_t(region->next + i) * kChunk, kChunk);
    });
    region->next = (region->next + tasks) % chunks;
  };
  return roof;
}

// Bytes of a cache that each worker reads: well inside the level, and far outside the one below.
size_t slice_bytes(const Machine& m, int threads, MemoryLevel level) {
  const auto pages = [](int64_t bytes) {
    return size_t(std::max<int64_t>(bytes, 4096)) / 4096 * 4096;
  };
  switch (level) {
    case MemoryLevel::l1:
      return pages(m.l1d_bytes / 2);
    case MemoryLevel::l2:
      return pages(m.l2_bytes / 2);
    default:  // L3: a third, which is what weights called hot may fill
      return pages(std::min<int64_t>(m.l3_bytes / 3 / threads, 32 << 20));
  }
}

constexpr std::string_view kLevelNames[] = {"l1_read", "l2_read", "l3_read", "dram_read",
                                            "dram_read_4k"};
constexpr std::string_view kCopyName = "dram_copy";

const Roof& kept(const std::string& name, int threads, auto&& measure) {
  const std::lock_guard lock(mutex);
  const auto [at, missing] = measured.try_emplace({name, threads});
  if (missing) at->second = measure();
  return at->second;
}

const Roof& roof_of(const cpu::ComputeLoop& loop, int threads) {
  return kept(std::string(loop.name), threads, [&] { return compute_roof_of(loop, threads); });
}

}  // namespace

MemoryLevel level_holding(int64_t bytes, int threads, const Machine& m) {
  const auto fits = [](int64_t need, int64_t size) { return need <= size / 4 * 3; };
  const int64_t each = bytes / std::max(1, threads);
  if (fits(each, m.l1d_bytes)) return MemoryLevel::l1;
  if (fits(each, m.l2_bytes)) return MemoryLevel::l2;
  return fits(bytes, m.l3_bytes) ? MemoryLevel::l3 : MemoryLevel::dram;
}

const Roof& read_roof(const Machine& machine, int threads, MemoryLevel level) {
  if (level == MemoryLevel::l3 && machine.l3_bytes == 0) level = MemoryLevel::dram;
  const std::string name(kLevelNames[int(level)]);
  return kept(name + "@" + to_string(machine.isas), threads, [&] {
    const bool dram = level >= MemoryLevel::dram;
    const Pages pages = level == MemoryLevel::dram_4k ? Pages::small : Pages::huge;
    const size_t slice = slice_bytes(machine, threads, level);
    const auto region = std::make_shared<Region>(
        Region{.memory = dram ? dram_memory(machine, pages)
                              : std::make_shared<Memory>(slice * size_t(threads), pages),
               .pool = cpu::make_pool(threads)});
    Roof best;
    for (const cpu::ReadLoop& loop : cpu::read_loops()) {
      if (!machine.has(loop.needs)) continue;
      Roof roof = dram ? dram_roof(loop, region) : cache_roof(loop, region, slice);
      roof.ceiling = {.name = name, .unit = "GB/s", .pattern = std::string(loop.name)};
      roof.ceiling.value = best_rate(roof, kTrials);
      if (roof.ceiling.value > best.ceiling.value) best = std::move(roof);
    }
    return best;
  });
}

const Roof& copy_roof(const Machine& machine, int threads) {
  return kept(std::string(kCopyName) + "@" + to_string(machine.isas), threads, [&] {
    const auto region = std::make_shared<Region>(
        Region{.memory = dram_memory(machine, Pages::huge), .pool = cpu::make_pool(threads)});
    const size_t half =
        region->memory->bytes / kChunk / 2 * kChunk;  // to the second from the first
    const int64_t tasks = kChunksPerThread * threads;
    const auto chunks = int64_t(half / kChunk) / tasks * tasks;
    Roof best;
    for (const cpu::CopyLoop& loop : cpu::copy_loops()) {
      if (!machine.has(loop.needs)) continue;
      Roof roof{.ceiling = {.name = std::string(kCopyName),
                            .unit = "GB/s",
                            .pattern = std::string(loop.name)}};
      roof.amount = 2e-3 * double(tasks) * double(kChunk);
      roof.call = [=, run = loop.run] {
        parallel_tasks(region->pool.get(), tasks, [&](int64_t i, int) {
          std::byte* from = region->memory->begin + size_t(region->next + i) * kChunk;
          run(from + half, from, kChunk);
        });
        region->next = (region->next + tasks) % chunks;
      };
      roof.ceiling.value = best_rate(roof, kTrials);
      if (roof.ceiling.value > best.ceiling.value) best = std::move(roof);
    }
    return best;
  });
}

const Roof& compute_roof(const Machine& machine, int threads, IsaSet allowed,
                         Arithmetic arithmetic) {
  const auto counts = [&](Arithmetic loop) {
    if (arithmetic == Arithmetic::unstated || loop == arithmetic) return true;
    return loop == Arithmetic::fp32 &&
           (arithmetic == Arithmetic::bf16 || arithmetic == Arithmetic::fp16);
  };
  static const Roof none{.ceiling = {.unit = "GOP/s"}};
  const Roof* best = &none;
  for (const cpu::ComputeLoop& loop : cpu::compute_loops()) {
    if (loop.mix || !counts(loop.arithmetic)) continue;
    if (!machine.has(loop.needs) || !allowed.contains(loop.needs)) continue;
    const Roof& roof = roof_of(loop, threads);
    if (roof.ceiling.value > best->ceiling.value) best = &roof;
  }
  return *best;
}

const Roof* named_roof(const Machine& machine, int threads, const std::string& name) {
  for (int level = 0; level < int(std::size(kLevelNames)); ++level)
    if (kLevelNames[level] == name) return &read_roof(machine, threads, MemoryLevel(level));
  if (name == kCopyName) return &copy_roof(machine, threads);
  for (const cpu::ComputeLoop& loop : cpu::compute_loops())
    if (loop.name == name && machine.has(loop.needs)) return &roof_of(loop, threads);
  return nullptr;
}

bool is_roof(const std::string& name) {
  const auto& loops = cpu::compute_loops();
  return name == kCopyName ||
         std::find(std::begin(kLevelNames), std::end(kLevelNames), name) != std::end(kLevelNames) ||
         std::any_of(loops.begin(), loops.end(), [&](const auto& l) { return l.name == name; });
}

bool can_measure(const Machine& machine, const std::string& name) {
  const auto& loops = cpu::compute_loops();
  const auto loop =
      std::find_if(loops.begin(), loops.end(), [&](const auto& l) { return l.name == name; });
  return loop == loops.end() ? is_roof(name) : machine.has(loop->needs);
}

std::vector<Ceiling> all_ceilings(const Machine& machine, int threads) {
  std::vector<Ceiling> all;
  for (int level = 0; level < int(std::size(kLevelNames)); ++level)
    if (MemoryLevel(level) != MemoryLevel::l3 || machine.l3_bytes > 0)
      all.push_back(read_roof(machine, threads, MemoryLevel(level)).ceiling);
  all.push_back(copy_roof(machine, threads).ceiling);
  for (const cpu::ComputeLoop& loop : cpu::compute_loops())
    if (machine.has(loop.needs)) all.push_back(roof_of(loop, threads).ceiling);
  return all;
}

}  // namespace nibble::harness
