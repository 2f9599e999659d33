// How products of tokens and packed weights are split. A piece is a chunk of tokens and a group of
// panels, and depends on the problem alone; no sum is split. Internal linkage: for ISA files too.
#pragma once
#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "nibble/base/parallel.h"

namespace nibble::cpu {
namespace {

constexpr int64_t kTokenChunk = 64;            // whose activations stay in L2 while panels go by
constexpr int64_t kPanelGroupBytes = 1 << 17;  // of weights, in a piece

// fn(first token, end, panel) for every chunk and every kTogether-th panel; the chunks one after
// another, the panels of a piece in order, as they stand in memory.
template <int kTogether = 1, int64_t kChunk = kTokenChunk, class Fn>
void panel_tasks(Pool* pool, int64_t m, int64_t panels, int64_t panel_bytes, Fn&& fn) {
  const int64_t few = std::max<int64_t>(1, kPanelGroupBytes / panel_bytes);
  const int64_t group = (few + kTogether - 1) / kTogether * kTogether;
  const int64_t groups = (panels + group - 1) / group;
  const int64_t chunks = (m + kChunk - 1) / kChunk;
  parallel_tasks(pool, chunks * groups, [&](int64_t piece, int) {
    const int64_t begin = piece / groups * kChunk, end = std::min(m, begin + kChunk);
    const int64_t first = piece % groups * group, last = std::min(panels, first + group);
    for (int64_t p = first; p < last; p += kTogether) fn(begin, end, p);
  });
}

// fn(token, integral_constant<int, R>) for tiles of R tokens, 1 <= R <= kMost, as even as can be: 9
// tokens are 5 and 4 and not 8 and 1, because a panel is decoded once for each tile.
template <int kMost, class Fn>
void token_tiles(int64_t begin, int64_t end, Fn&& fn) {
  static_assert(kMost >= 1 && kMost <= 8);
  const auto run = [&](int64_t at, int count) {
    switch (count) {
#define NIBBLE_TILE(R)                                                         \
  case R:                                                                      \
    if constexpr (R <= kMost) return fn(at, std::integral_constant<int, R>()); \
    return
      NIBBLE_TILE(1);
      NIBBLE_TILE(2);
      NIBBLE_TILE(3);
      NIBBLE_TILE(4);
      NIBBLE_TILE(5);
      NIBBLE_TILE(6);
      NIBBLE_TILE(7);
      NIBBLE_TILE(8);
#undef NIBBLE_TILE
    }
  };
  const int64_t tiles = (end - begin + kMost - 1) / kMost;
  for (int64_t i = 0; i < tiles; ++i) {
    const int64_t at = begin + (end - begin) * i / tiles;
    run(at, int(begin + (end - begin) * (i + 1) / tiles - at));
  }
}

}  // namespace
}  // namespace nibble::cpu
