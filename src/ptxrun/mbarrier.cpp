#include "mbarrier.h"

#include <cstdio>

#include "check.h"

namespace ptxrun {
namespace {

std::string hex(uint64_t v) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(v));
  return text;
}
std::string name_of(const Block& block, uint32_t offset) {
  return "mbarrier at shared address " +
         hex(uint64_t(block.rank) << kRankShift | (offset + kSharedBase));
}

void write_word(const SharedPlace& p, const Mbarrier& m) {
  const uint64_t word = m.word();
  std::memcpy(p.data(), &word, sizeof word);
}

// Ends the phase if nothing is to come any more.
void settle(Launch& launch, const SharedPlace& p, Mbarrier& m) {
  if (m.pending == 0 && m.bytes == 0) {
    ++m.phase;
    m.pending = m.expected;
    if (launch.checker) launch.checker->mbarrier_complete(*p.block, p.offset);
  }
  write_word(p, m);
  ++launch.progress;
}

}  // namespace

void init_mbarrier(Warp& w, const SharedPlace& p, uint32_t count, int lane) {
  if (count == 0 || count > kMaxArrivals)
    throw Fault{FaultKind::misuse,
                "an mbarrier for " + std::to_string(count) + " arrivals: allowed are 1 to " +
                    std::to_string(kMaxArrivals),
                1u << lane};
  if (!p.block->mbarriers) p.block->mbarriers = std::make_shared<Mbarriers>();
  auto& all = p.block->mbarriers->at;
  for (auto it = all.lower_bound(p.offset < 8 ? 0 : p.offset - 7);
       it != all.end() && it->first < p.offset + 8; ++it)
    if (it->second.bytes != 0 || it->second.pending != it->second.expected)
      throw Fault{FaultKind::misuse,
                  "init of the " + name_of(*p.block, it->first) +
                      ", which is in use: " + mbarrier_text(*p.block, it->first),
                  1u << lane};
  const Mbarrier m{count, count, 0, 0};
  all[p.offset] = m;
  write_word(p, m);
  ++w.block->launch->progress;
}
void invalidate_mbarrier(Warp& w, const SharedPlace& p, int lane) {
  mbarrier_in(p, lane);
  p.block->mbarriers->at.erase(p.offset);
  ++w.block->launch->progress;
}

Mbarrier& mbarrier_in(const SharedPlace& p, int lane) {
  Mbarriers* const all = p.block->mbarriers.get();
  const auto it = all ? all->at.find(p.offset) : decltype(all->at.end()){};
  if (!all || it == all->at.end())
    throw Fault{
        FaultKind::misuse,
        "there is no " + name_of(*p.block, p.offset) + ": it was not initialised, or invalidated",
        1u << lane};
  uint64_t word;
  std::memcpy(&word, p.data(), sizeof word);
  if (word != it->second.word())
    throw Fault{
        FaultKind::misuse,
        "the " + name_of(*p.block, p.offset) + " was overwritten by an ordinary store or a copy",
        1u << lane};
  return it->second;
}

void arrive(Launch& launch, const SharedPlace& p, uint32_t count, bool drops, int lane) {
  Mbarrier& m = mbarrier_in(p, lane);
  if (count == 0 || count > m.pending)
    throw Fault{FaultKind::misuse,
                std::to_string(count) + " arrivals at once, but there is the " +
                    mbarrier_text(*p.block, p.offset),
                1u << lane};
  m.pending -= count;
  if (drops) m.expected -= count;
  settle(launch, p, m);
}
void expect_bytes(Launch& launch, const SharedPlace& p, int64_t bytes, int lane) {
  Mbarrier& m = mbarrier_in(p, lane);
  m.bytes += bytes;
  if (m.bytes > int64_t(kMaxArrivals) || m.bytes < -int64_t(kMaxArrivals))
    throw Fault{FaultKind::misuse,
                "more than 1048575 bytes announced: " + mbarrier_text(*p.block, p.offset),
                1u << lane};
  // Announcing alone never ends a phase.
  write_word(p, m);
  ++launch.progress;
}
void complete_bytes(Launch& launch, const SharedPlace& p, int64_t bytes, int lane) {
  Mbarrier& m = mbarrier_in(p, lane);
  m.bytes -= bytes;
  if (m.bytes < -int64_t(kMaxArrivals))
    throw Fault{FaultKind::misuse,
                "more than 1048575 bytes arrived unannounced: " + mbarrier_text(*p.block, p.offset),
                1u << lane};
  settle(launch, p, m);
}

std::string mbarrier_text(const Block& block, uint32_t offset) {
  std::string s = name_of(block, offset);
  if (!block.mbarriers) return s;
  const auto it = block.mbarriers->at.find(offset);
  if (it == block.mbarriers->at.end()) return s;
  const Mbarrier& m = it->second;
  s += ", phase " + std::to_string(m.phase) + ": " + std::to_string(m.pending) + " of " +
       std::to_string(m.expected) + " arrivals to come";
  if (m.bytes > 0) s += ", " + std::to_string(m.bytes) + " announced bytes to come";
  if (m.bytes < 0) s += ", " + std::to_string(-m.bytes) + " bytes more than announced have come";
  return s;
}

}  // namespace ptxrun
