// How the rows of activations of a matrix product are cut: blocks that stay in a cache while all
// weights pass by, and tiles whose sums stay in registers. Of the problem alone, never of the
// number of threads.
#pragma once
#include <algorithm>
#include <cstdint>

#include "nibble/base/parallel.h"

namespace nibble::cpu {

inline constexpr int kPanelRows = 16;

// [0, m) in the fewest tiles of at most `most` rows; their sizes differ by one at most.
struct TokenTiles {
  int64_t m = 0;
  int most = 1;

  constexpr int64_t count() const { return (m + most - 1) / most; }
  constexpr int64_t begin(int64_t i) const { return m * i / count(); }
  constexpr int rows(int64_t i) const { return int(begin(i + 1) - begin(i)); }
};
static_assert(TokenTiles{13, 12}.count() == 2 && TokenTiles{13, 12}.rows(0) == 6);
static_assert(TokenTiles{128, 12}.rows(10) == 12 && TokenTiles{128, 12}.begin(11) == 128);

// Rows of a block, of `row_bytes` each as a kernel reads them: 1 MiB, but not so few that weights
// would be read for nothing. A multiple of 24, so that tiles of 8 and 12 rows come out whole.
constexpr int64_t token_block(int64_t m, int64_t row_bytes) {
  const int64_t rows = (int64_t(1) << 20) / row_bytes / 24 * 24;
  return std::min(m, std::max<int64_t>(rows, 96));
}

// Panels of a task, a multiple of `together`: a quarter of a MiB of weights in one go, which is one
// linear stream for the memory, and still several tasks for each thread.
constexpr int64_t panels_per_task(int64_t panel_bytes, int together) {
  const int64_t panels = (int64_t(1) << 18) / panel_bytes;
  return std::max<int64_t>(panels / together, 1) * together;
}

namespace {

// fn(begin, end) over [0, n) in pieces of at most `most`, in steps of `together`. Where one is not
// enough they are a multiple of eight, as even as can be: threads start with stretches of as many
// pieces each (pool.cpp), and 17 pieces and a rest gave one of two threads a tenth more to do.
// What they know is copied into one object: an idle core waits for its lines once, and for each
// pointer that it has to follow again.
template <class Fn>
[[maybe_unused]] void parallel_even(Pool* pool, int64_t n, int64_t most, int64_t together,
                                    Fn&& fn) {
  const int64_t steps = (n + together - 1) / together;
  int64_t pieces = (n + most - 1) / most;
  if (pieces > 1) pieces = std::min((pieces + 7) / 8 * 8, steps);
  parallel_tasks(pool, pieces, [=](int64_t i, int) {
    fn(steps * i / pieces * together, std::min(n, steps * (i + 1) / pieces * together));
  });
}

// copy(begin, rows) for the tiles of a block; a few rows are not worth waking a worker for.
template <int kTokens, class Copy>
[[maybe_unused]] void each_tile_copy(int64_t rows, Pool* pool, Copy&& copy) {
  const TokenTiles tiles{rows, kTokens};
  parallel_for(rows <= kTokens ? nullptr : pool, tiles.count(), 1,
               [&](int64_t i, int64_t) { copy(tiles.begin(i), tiles.rows(i)); });
}

// tile(begin, rows, panel, panels) for all tiles of a block of rows and n weight rows, P panels at
// a time, each of which meets all rows before the next.
template <int kTokens, int P, class Tile>
[[maybe_unused]] void each_tile(int64_t rows, int64_t n, int64_t panel_bytes, Pool* pool,
                                Tile&& tile) {
  const TokenTiles tiles{rows, kTokens};
  const int64_t panels = (n + kPanelRows - 1) / kPanelRows;
  // Where rows are many, weights are multiplied long enough to be a task each.
  const int64_t grain = rows <= kTokens ? panels_per_task(panel_bytes, P) : P;
  parallel_even(pool, panels, grain, P, [=](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; p += P)
      for (int64_t t = 0; t < tiles.count(); ++t)
        tile(tiles.begin(t), tiles.rows(t), p, int(std::min<int64_t>(P, end - p)));
  });
}

}  // namespace
}  // namespace nibble::cpu
