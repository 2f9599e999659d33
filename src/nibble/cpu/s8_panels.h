// Products of int8 rows with panels of 16 weight rows (numerics/panel_layout.h) that have one
// factor a row: what ops of int8 and of ternary weights share, whatever the ISA.
//
//   y[i][j] = (float(sum_k w[j][k] x[i][k]) * w_scale[j]) * x_scale[i]
//
// The sum is an exact int32, so one rounding to float and two products are all that is rounded, and
// all variants give the same bits.
//
// Codes are unsigned, w + kBias, as vpdpbusd and vpmaddubsw want an operand: kBias times the sum of
// an activation row is subtracted, one number a row, found while the row is copied. Arithmetic is
// modulo 2^32: only the true sum has to fit.
#pragma once
#include <cstring>

#include "nibble/base/op.h"
#include "nibble/cpu/token_tiles.h"
#include "nibble/numerics/panel_layout.h"

namespace nibble::cpu {

struct Int8Codes {
  static constexpr PanelLayout kLayout{kPanelRows, PanelCodes::bytes, 0};
  static constexpr int kBias = 128;
};
// Code 3 is nobody's weight; it counts as 2.
struct TernaryCodes {
  static constexpr PanelLayout kLayout{kPanelRows, PanelCodes::two_bit, 0};
  static constexpr int kBias = 1;
};

// The rows of a block, copied: a tile of R rows is [k / 4][R] groups of 4 columns, zeros behind
// the last column, so that all a kernel reads is one stream beside the weights'. A group is 4
// int8, or (kWide) 4 int16 as columns 0, 2, 1, 3.
struct S8Rows {
  int32_t* sums;  // [rows]
  int8_t* groups;
};

constexpr int64_t padded_k(int64_t k) { return (k + 63) / 64 * 64; }
constexpr int64_t s8_block(int64_t m, int64_t k) { return token_block(m, padded_k(k)); }

constexpr int64_t s8_scratch_bytes(int64_t m, int64_t k, bool wide) {
  const int64_t rows = s8_block(m, k);
  return (4 * rows + 63) / 64 * 64 + rows * padded_k(k) * (wide ? 2 : 1);
}
inline S8Rows s8_rows(uint8_t* scratch, int64_t rows) {
  return {reinterpret_cast<int32_t*>(scratch),
          reinterpret_cast<int8_t*>(scratch + (4 * rows + 63) / 64 * 64)};
}

// What a tile of R rows and P panels is made from, and where it goes.
struct S8Tile {
  const uint8_t* w = nullptr;      // the first panel
  int64_t panel_bytes = 0;         // to the next
  const int8_t* groups = nullptr;  // of the tile
  const int32_t* sums = nullptr;   // [R]
  const float* w_scale = nullptr;  // [16 P], of which `columns` exist
  const float* x_scale = nullptr;  // [R]
  float* y = nullptr;
  int64_t ldy = 0;
  int columns = 0;
};

namespace {

// One tile of rows as groups, and their sums.
template <bool kWide>
[[maybe_unused]] void s8_copy(const int8_t* x, int64_t ldx, int rows, int k, int8_t* to,
                              int32_t* sums) {
  constexpr int kOrder[] = {0, 2, 1, 3};
  for (int r = 0; r < rows; ++r, x += ldx) {
    int32_t sum = 0;
    for (int64_t g = 0; g < padded_k(k) / 4; ++g)
      for (int i = 0; i < 4; ++i) {
        const int64_t c = 4 * g + (kWide ? kOrder[i] : i), at = (g * rows + r) * 4 + i;
        const int8_t v = c < k ? x[c] : int8_t(0);
        sum += v;
        if constexpr (kWide)
          reinterpret_cast<int16_t*>(to)[at] = v;
        else
          to[at] = v;
      }
    sums[r] = sum;
  }
}

// The tile at row `begin` of a block that starts at row `block`.
template <class Args>
[[maybe_unused]] S8Tile s8_tile(const Args& a, S8Rows x, int64_t group_bytes, int64_t block,
                                int64_t begin, int64_t panel, int64_t panel_bytes, int panels) {
  const int64_t row = block + begin, column = panel * kPanelRows;
  return {.w = a.w + panel * panel_bytes,
          .panel_bytes = panel_bytes,
          .groups = x.groups + begin * padded_k(a.k) / 4 * group_bytes,
          .sums = x.sums + begin,
          .w_scale = a.w_scale + column,
          .x_scale = a.x_scale + row,
          .y = a.y + row * a.ldy + column,
          .ldy = a.ldy,
          .columns = int(std::min<int64_t>(int64_t(panels) * kPanelRows, a.n - column))};
}

}  // namespace
}  // namespace nibble::cpu
