// The checker between pieces of a launch: their blocks are never ordered, so every two touches of
// the same bytes conflict if one of them writes and neither is an atomic.
#include <algorithm>

#include "check.h"
#include "warp.h"

namespace ptxrun {
namespace {

template <class Touch>
void report_between(const Launch& launch, const char* what, const Touch& later,
                    const Touch& earlier) {
  const Kernel& k = *launch.kernel;
  launch.report->add(
      finding_at(launch, &k.code[later.op], later.block, later.thread, FaultKind::race,
                 std::string(what) + " by thread " + std::to_string(earlier.thread) + " of block " +
                     std::to_string(earlier.block) + " at " + place_of(k.code[earlier.op], k) +
                     ", without synchronisation between them"));
}

}  // namespace

void Checker::join_cells(Cell& mine, Cell& theirs, const Launch& launch) {
  const auto meets = [](const Touch& a, const Touch& b) {
    return a.time != 0 && b.time != 0 && !(a.strong && b.strong);
  };
  const bool same = mine.value != 0 && mine.value == theirs.value;
  if (meets(theirs.write, mine.write) && !same)
    report_between(launch, "write after a write", theirs.write, mine.write);
  for (const Touch& r : mine.reads)
    if (meets(theirs.write, r) && !theirs.silent)
      report_between(launch, "write after a read", theirs.write, r);
  for (const Touch& r : theirs.reads)
    if (meets(r, mine.write) && !mine.silent)
      report_between(launch, "read after a write", r, mine.write);
  if (theirs.write.time) mine.write = theirs.write, mine.value = theirs.value;
  if (theirs.write.time) mine.silent = theirs.silent;
  for (const Touch& r : theirs.reads)
    if (r.time) mine.reads[1] = mine.reads[0], mine.reads[0] = r;
}

void Checker::absorb(Checker& piece, const Launch& launch) {
  if (!races_) return;
  auto& known = global_.pages();
  std::vector<uint64_t> numbers;  // in order, so that findings are
  for (const auto& [number, page] : piece.global_.pages()) numbers.push_back(number);
  std::sort(numbers.begin(), numbers.end());
  for (const uint64_t number : numbers) {
    Page& theirs = piece.global_.pages()[number];
    auto [it, is_new] = known.try_emplace(number);
    Page& mine = it->second;
    if (is_new) {
      mine = std::move(theirs);
      continue;
    }
    if (mine.shift < theirs.shift) theirs.refine(mine.shift);
    if (theirs.shift < mine.shift) mine.refine(theirs.shift);
    for (size_t k = 0; k < mine.cells.size(); ++k)
      join_cells(mine.cells[k], theirs.cells[k], launch);
  }
}

}  // namespace ptxrun
