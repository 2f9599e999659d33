// Panels of 4-bit codes (panel_layout.h) element by element: for references, portable kernels and
// test inputs.
#pragma once
#include <cstdint>

#include "nibble/numerics/e2m1.h"
#include "nibble/numerics/panel_layout.h"

namespace nibble {

struct Fp4Panels {
  PanelLayout layout;
  const uint8_t* data = nullptr;
  int64_t k = 0;

  const uint8_t* tile(int64_t row, int64_t column) const {
    return data + row / layout.rows * layout.panel_bytes(k) +
           column / layout.tile_k() * layout.tile_bytes();
  }
  e2m1 code(int64_t row, int64_t column) const {
    const int r = int(row % layout.rows), c = int(column % layout.tile_k());
    return {uint8_t(tile(row, column)[layout.code_offset(r, c)] >> layout.code_shift(c) & 15)};
  }
  uint8_t scale(int64_t row, int64_t column) const {
    const int r = int(row % layout.rows), c = int(column % layout.tile_k());
    return tile(row, column)[layout.scale_offset(r, c)];
  }
};

}  // namespace nibble
