// How the rows of activations of a matrix product are cut: blocks that stay in a cache while all
// weights pass by, and tiles whose sums stay in registers. Of the problem alone, never of the
// number of threads.
#pragma once
#include <algorithm>
#include <cstdint>

namespace nibble::cpu {

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

}  // namespace nibble::cpu
