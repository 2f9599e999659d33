#include <algorithm>
#include <cmath>
#include <cstring>

#include "nibble/ops/sign_noise/kernels.h"

namespace nibble::sign_noise {
namespace {

constexpr int kRows = 8;  // that meet a block of signs once it is expanded

// Sums of a panel's columns over all k.
void panel(const Args& a, int64_t row, int rows, int column) {
  int32_t sums[kRows][kSignPanel] = {};
  const uint16_t* e = a.e + sign_block(a.k, 0, column) * 4;
  for (int k = 0; k < a.k; k += kSignBlock, e += 4) {
    int8_t signs[kSignBlock][kSignPanel];
    for (int j = 0; j < kSignPanel; ++j)
      for (int i = 0; i < kSignBlock; ++i)
        signs[i][j] = int8_t((e[j / 4] >> (j % 4 * 4 + i) & 1) * 2 - 1);
    for (int r = 0; r < rows; ++r)
      for (int i = 0; i < kSignBlock; ++i) {
        const int x = a.x[(row + r) * a.ldx + k + i];
        for (int j = 0; j < kSignPanel; ++j) sums[r][j] += x * signs[i][j];
      }
  }
  for (int r = 0; r < rows; ++r)
    for (int j = 0; j < kSignPanel; ++j) {
      const int64_t at = (row + r) * a.n + column + j;
      const float step = std::clamp(float(sums[r][j]) * a.unit, -0x1p24f, 0x1p24f);
      a.y[at] = a.acc[at] + int32_t(std::lrintf(step));
    }
}

}  // namespace

void portable(const Args& a, const Exec& e) {
  parallel_for(e.pool, a.rows, kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row += kRows)
      for (int column = 0; column < a.n; column += kSignPanel)
        panel(a, row, int(std::min<int64_t>(kRows, end - row)), column);
  });
}

}  // namespace nibble::sign_noise
