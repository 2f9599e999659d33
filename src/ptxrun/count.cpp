#include <algorithm>

#include "check.h"

namespace ptxrun {
namespace {

// Shared memory serves 32 banks of 4 bytes at a time: lanes in groups that together move at most
// 128 bytes, each group as often as its busiest bank has distinct words.
void count_shared(Count& count, const Access& a) {
  const int per = a.bytes <= 4 ? 32 : a.bytes == 8 ? 16 : 8;
  const uint32_t words = std::max(1u, a.bytes / 4);
  for (int begin = 0; begin < kLanes; begin += per) {
    uint32_t list[32 * 4];
    size_t n = 0;
    for (int l = begin; l < begin + per; ++l)
      if (a.shared >> l & 1)
        for (uint32_t k = 0; k < words; ++k) list[n++] = uint32_t(a.address[l] / 4) + k;
    if (n == 0) continue;
    std::sort(list, list + n);
    n = size_t(std::unique(list, list + n) - list);
    uint32_t bank[32] = {}, worst = 0;
    for (size_t k = 0; k < n; ++k) worst = std::max(worst, ++bank[list[k] % 32]);
    count.wavefronts += worst;
    ++count.ideal_wavefronts;
  }
}

// Global memory moves sectors of 32 bytes; the least is what the distinct bytes would fill.
void count_global(Count& count, const Access& a) {
  uint64_t sectors[64], starts[32];
  size_t n = 0, m = 0;
  each_lane(a.global, [&](int l) {
    sectors[n++] = a.address[l] / 32;
    if ((a.address[l] + a.bytes - 1) / 32 != a.address[l] / 32)
      sectors[n++] = a.address[l] / 32 + 1;
    starts[m++] = a.address[l];
  });
  std::sort(sectors, sectors + n);
  count.sectors += uint64_t(std::unique(sectors, sectors + n) - sectors);
  std::sort(starts, starts + m);
  const uint64_t distinct = uint64_t(std::unique(starts, starts + m) - starts);
  count.ideal_sectors += (distinct * a.bytes + 31) / 32;
}

}  // namespace

void add(Count& to, const Count& from) {
  to.warps += from.warps, to.lanes += from.lanes;
  to.wavefronts += from.wavefronts, to.ideal_wavefronts += from.ideal_wavefronts;
  to.sectors += from.sectors, to.ideal_sectors += from.ideal_sectors;
}

void count_access(Count& count, const Access& a) {
  if (a.shared) count_shared(count, a);
  if (a.global) count_global(count, a);
}

}  // namespace ptxrun
