// Panels of ternary weights, five to a byte (numerics/ternary_packed.h), in the order that CPU
// kernels read them: what numerics/panel_layout.h is to other codes.
//
// A panel is 16 rows (or 8), read front to back; a tile is 40 columns: two registers of one dword a
// row. A dword is 4 neighbouring bytes of a row, as checkpoints have them: byte b of register q has
// columns 20 q + 5 b + j of the tile as digits j. So digit j of all bytes is columns j, j + 5,
// j + 10 and j + 15 of each row in its dword: what multiply-adds of bytes sum up. Matrices are
// padded with weights 0 to whole panels and tiles.
#pragma once
#include <cstdint>

#include "nibble/numerics/ternary_packed.h"

namespace nibble {

struct Base3Panel {
  int rows = 16;  // 16 or 8

  static constexpr int block = 0;  // no scales
  static constexpr int tile_k() { return 2 * dword_k(); }
  static constexpr int dword_k() { return 20; }
  static constexpr int dwords() { return 2; }  // of a row in a tile
  static constexpr uint32_t zeros() { return 0x01010101u * pack_base3(0, 0, 0, 0, 0); }
  constexpr int tile_bytes() const { return 4 * rows * dwords(); }

  constexpr int64_t panels(int64_t n) const { return (n + rows - 1) / rows; }
  static constexpr int64_t tiles(int64_t k) { return (k + tile_k() - 1) / tile_k(); }
  constexpr int64_t panel_bytes(int64_t k) const { return tiles(k) * tile_bytes(); }
  constexpr int64_t bytes(int64_t n, int64_t k) const { return panels(n) * panel_bytes(k); }

  // Within a tile: r < rows, k < tile_k().
  constexpr int dword_offset(int r, int q) const { return 4 * (q * rows + r); }
  constexpr int weight_at(const uint8_t* tile, int r, int k) const {
    return base3_at(tile[dword_offset(r, k / dword_k()) + k % dword_k() / 5], k % 5);
  }

  static constexpr uint32_t to_panel(uint32_t x) { return x; }
  static constexpr uint32_t from_panel(uint32_t x) { return x; }
};

static_assert(Base3Panel{16}.tile_bytes() == 2 * 64 && Base3Panel{8}.tile_bytes() == 2 * 32);
static_assert(Base3Panel{16}.panel_bytes(4096) == 103 * 128);

}  // namespace nibble
