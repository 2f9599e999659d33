// silu(g) * u of a tile, for variants of dual ops: g and u are what tiles of one product make of
// gate and of up, and lie on the stack.
#pragma once
#include "nibble/base/hd.h"
#include "nibble/cpu/fetch_write.h"
#include "nibble/cpu/token_tiles.h"
#include "nibble/numerics/elementary.h"

namespace nibble::cpu {
namespace {

constexpr int64_t kDualLd = 2 * kPanelRows;  // floats from one row of g and u to the next

// make(both) writes g of row r to both + kDualLd r, and u kPanelRows behind it. At most kMost rows.
template <class V, int kMost, class Make>
[[gnu::always_inline]] inline void dual_tile(int rows, int columns, float* y, int64_t ldy,
                                             Make&& make) {
  for (int r = 0; r < rows; ++r) {  // rows may begin anywhere in a line
    fetch_write(y + r * ldy);
    fetch_write(y + r * ldy + columns - 1);
  }
  alignas(64) float both[kMost * kDualLd];
  make(both);
  for (int r = 0; r < rows; ++r) {
    const V g = V::load(both + r * kDualLd, columns);
    const V u = V::load(both + r * kDualLd + kPanelRows, columns);
    const V product = g * math::sigmoid(g) * u;
    select(is_nan(product), V(bit_cast<float>(0x7fc00000u)), product).store(y + r * ldy, columns);
  }
}

}  // namespace
}  // namespace nibble::cpu
