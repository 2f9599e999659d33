// How a GEMV over panels of 16 rows (numerics/panel_layout.h) is cut: shared by the kernels of
// tile/panel_gemv.cuh and by ops that promise their order of sums.
//
// A unit is 4 dwords of a row: 16 columns of bytes, 32 of fp4, 64 of ternary. A step is 8 units of
// all 16 rows of a panel: 32 lanes, each with one unit of 4 rows. The steps are dealt to eight
// virtual warps, step s to warp s % 8.
//
// Where sums are floats their order is a matter of K alone: slot u % 8 of a virtual warp adds its
// units one after another, the slots are added in the tree of distances 4, 2, 1, and the virtual
// warps in the order of their numbers, from 0. Who plays which virtual warp is the plan's choice
// and changes no bit.
#pragma once
#include <algorithm>
#include <cstdint>

namespace nibble::cuda::tile {

inline constexpr int kPanelRows = 16, kUnitDwords = 4, kStepUnits = 8, kPanelWarps = 8;

// Tokens that one launch takes; the first stage of a split keeps a sum for each virtual warp.
inline constexpr int kPanelTokens = 8;

constexpr int64_t steps_of(int64_t units) { return (units + kStepUnits - 1) / kStepUnits; }
constexpr int used_warps(int64_t units) {
  return int(std::min<int64_t>(kPanelWarps, steps_of(units)));
}

struct PanelPlan {
  int k_warps = 1;  // of a block that share a panel
  int groups = 1;   // panels of a block
  int splits = 1;   // blocks that share a panel; more than one: a second kernel adds
};

// The most rows for which K may be split, and with it the workspace: with more there are blocks
// enough.
inline constexpr int kPanelSplitRows = 4096;
constexpr int64_t panel_partials(int64_t tokens, int64_t rows) {
  return rows <= kPanelSplitRows && tokens <= kPanelTokens ? kPanelWarps * tokens * rows : 0;
}

// `passes` over a panel, one after another, and those of a batch are blocks of their own.
constexpr PanelPlan plan_panels(int64_t rows, int64_t units, int passes, int multiprocessors) {
  PanelPlan p;
  const int used = used_warps(units);
  const int64_t panels = (rows + kPanelRows - 1) / kPanelRows;
  const auto blocks = [&] { return (panels + p.groups - 1) / p.groups * passes * p.splits; };
  p.groups = kPanelWarps / used;
  while (p.groups > 1 && blocks() < multiprocessors) p.groups /= 2;
  if (rows <= kPanelSplitRows)
    while (p.splits < used && blocks() < multiprocessors) p.splits *= 2;
  p.k_warps = std::min(used, kPanelWarps / p.splits);
  return p;
}

static_assert(plan_panels(7168, 1024, 1, 132).splits == 1);
static_assert(plan_panels(16, 1024, 1, 132).splits == 8 &&
              plan_panels(16, 1024, 1, 132).k_warps == 1);
static_assert(plan_panels(512, 17, 1, 132).splits == 4);  // three virtual warps
static_assert(plan_panels(65536, 16, 1, 132).groups == 4);

// The order of sums in plain C++: add(to, unit) adds a unit to a slot.
template <class Add>
float panel_sum(int64_t units, Add&& add) {
  float total = 0;
  for (int v = 0; v < used_warps(units); ++v) {
    float slot[kStepUnits] = {};
    for (int64_t first = v * kStepUnits; first < units; first += kPanelWarps * kStepUnits)
      for (int i = 0; i < kStepUnits && first + i < units; ++i) add(slot[i], first + i);
    for (int d = kStepUnits / 2; d > 0; d /= 2)
      for (int i = 0; i < d; ++i) slot[i] += slot[i + d];
    total += slot[0];
  }
  return total;
}

}  // namespace nibble::cuda::tile
