// Where the block scales of a matrix lie: scale (r, c) belongs to row r and to the c-th block along
// the row. Two layouts, one byte a scale.
//
//   linear  [rows][cols], what checkpoints have and what GEMV reads
//   128x4   what tensor cores read: atoms of 128 rows x 4 columns, 512 bytes, the atoms of a strip
//           of 128 rows one after another; within an atom 32 lines of 16 bytes, and line r % 32
//           holds rows r, r + 32, r + 64, r + 96 with 4 columns each. Rows and columns are padded
//           to whole atoms, and pads are zero: a stale byte could be a NaN.
#pragma once
#include <cstdint>

#include "nibble/base/hd.h"

namespace nibble {

inline constexpr int kAtomRows = 128, kAtomCols = 4;

NIBBLE_HD constexpr int64_t linear_scale_offset(int64_t r, int64_t c, int64_t cols) {
  return r * cols + c;
}
NIBBLE_HD constexpr int64_t atoms_in_row(int64_t cols) {
  return (cols + kAtomCols - 1) / kAtomCols;
}
NIBBLE_HD constexpr int64_t scale_bytes_128x4(int64_t rows, int64_t cols) {
  return (rows + kAtomRows - 1) / kAtomRows * atoms_in_row(cols) * (kAtomRows * kAtomCols);
}
NIBBLE_HD constexpr int64_t scale_offset_128x4(int64_t r, int64_t c, int64_t cols) {
  const int64_t atom = r / kAtomRows * atoms_in_row(cols) + c / kAtomCols;
  return atom * (kAtomRows * kAtomCols) + r % 32 * 16 + r % kAtomRows / 32 * kAtomCols +
         c % kAtomCols;
}

// `to` has scale_bytes_128x4(rows, cols) bytes; pads are written.
constexpr void scales_to_128x4(const uint8_t* linear, int64_t rows, int64_t cols, uint8_t* to) {
  for (int64_t i = 0; i < scale_bytes_128x4(rows, cols); ++i) to[i] = 0;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c)
      to[scale_offset_128x4(r, c, cols)] = linear[linear_scale_offset(r, c, cols)];
}
constexpr void scales_from_128x4(const uint8_t* from, int64_t rows, int64_t cols, uint8_t* linear) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c)
      linear[linear_scale_offset(r, c, cols)] = from[scale_offset_128x4(r, c, cols)];
}

static_assert(scale_offset_128x4(0, 3, 8) == 3 && scale_offset_128x4(1, 0, 8) == 16);
static_assert(scale_offset_128x4(32, 0, 8) == 4 && scale_offset_128x4(127, 3, 8) == 511);
static_assert(scale_offset_128x4(0, 4, 8) == 512 && scale_offset_128x4(128, 0, 8) == 1024);
static_assert(scale_bytes_128x4(1, 1) == 512 && scale_bytes_128x4(129, 5) == 2048);

}  // namespace nibble
