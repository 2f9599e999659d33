// The layout of block scales as an argument; scale_layout.h tells where each puts them.
#pragma once
#include <initializer_list>

#include "nibble/numerics/scale_layout.h"

namespace nibble {

enum class ScaleLayout : uint8_t { linear, atoms_128x4 };

NIBBLE_HD constexpr int64_t scale_bytes(ScaleLayout l, int64_t rows, int64_t cols) {
  return l == ScaleLayout::linear ? rows * cols : scale_bytes_128x4(rows, cols);
}
NIBBLE_HD constexpr int64_t scale_offset(ScaleLayout l, int64_t r, int64_t c, int64_t cols) {
  return l == ScaleLayout::linear ? linear_scale_offset(r, c, cols)
                                  : scale_offset_128x4(r, c, cols);
}

// The same in two parts: where the row begins, and how far on a column is, which is one number for
// all rows.
NIBBLE_HD constexpr int64_t scale_row(ScaleLayout l, int64_t r, int64_t cols) {
  return scale_offset(l, r, 0, cols);
}
NIBBLE_HD constexpr int64_t scale_column(ScaleLayout l, int64_t c) {
  return l == ScaleLayout::linear ? c : c / kAtomCols * (kAtomRows * kAtomCols) + c % kAtomCols;
}

namespace scale_place_detail {
constexpr bool parts_agree(ScaleLayout l) {
  for (int64_t r : {0, 31, 32, 127, 128, 300})
    for (int64_t c : {0, 1, 3, 4, 11})
      if (scale_row(l, r, 12) + scale_column(l, c) != scale_offset(l, r, c, 12)) return false;
  return true;
}
}  // namespace scale_place_detail
static_assert(scale_place_detail::parts_agree(ScaleLayout::linear));
static_assert(scale_place_detail::parts_agree(ScaleLayout::atoms_128x4));

}  // namespace nibble
