// Panels: quantised matrices in the order that CPU kernels read them. Version 1.
//
// A panel is 16 rows for 512-bit registers, 8 for 256-bit ones, and is read front to back. It is a
// row of tiles of tile_k columns; a tile is the block scales of its rows, 4 bytes a row, if the
// format has any, and then registers of one dword a row:
//
//   codes      columns of a dword  element d of it
//   fp4        8                   nibble d / 4 of byte d % 4
//   bytes      4                   byte d
//   two_bit    16                  bits 2 (d / 4) and up of byte d % 4
//
// so that a shift and a mask leave 4 consecutive columns of a row in its dword: what multiply-adds
// of bytes sum up, and 8 or 16 results come out as one register. The scales of a row are of
// consecutive blocks. Matrices are padded with zeros to whole panels and tiles.
#pragma once
#include <cstdint>

#include "nibble/base/hd.h"

namespace nibble {

inline constexpr int kPanelVersion = 1;

enum class PanelCodes : uint8_t { fp4, bytes, two_bit };

struct PanelLayout {
  int rows = 16;  // 16 or 8
  PanelCodes codes = PanelCodes::fp4;
  int block = 0;  // columns of a scale byte: 16, 32, or 0 for none

  // Four scale bytes a row where there are any, else 64 columns.
  constexpr int tile_k() const { return block > 0 ? 4 * block : 64; }
  constexpr int dword_k() const {
    return codes == PanelCodes::fp4 ? 8 : codes == PanelCodes::bytes ? 4 : 16;
  }
  constexpr int dwords() const { return tile_k() / dword_k(); }  // of a row in a tile
  constexpr int scale_bytes() const { return block > 0 ? 4 * rows : 0; }
  constexpr int tile_bytes() const { return scale_bytes() + 4 * rows * dwords(); }
  constexpr int code_bits() const { return 32 / dword_k(); }
  constexpr uint32_t zeros() const { return codes == PanelCodes::two_bit ? 0x55555555u : 0; }

  constexpr int64_t panels(int64_t n) const { return (n + rows - 1) / rows; }
  constexpr int64_t tiles(int64_t k) const { return (k + tile_k() - 1) / tile_k(); }
  constexpr int64_t panel_bytes(int64_t k) const { return tiles(k) * tile_bytes(); }
  constexpr int64_t bytes(int64_t n, int64_t k) const { return panels(n) * panel_bytes(k); }

  // Within a tile: r < rows, k < tile_k().
  constexpr int scale_offset(int r, int k) const { return 4 * r + k / block; }
  constexpr int dword_offset(int r, int q) const { return scale_bytes() + 4 * (q * rows + r); }
  constexpr int code_offset(int r, int k) const {
    return dword_offset(r, k / dword_k()) + k % dword_k() % 4;
  }
  constexpr int code_shift(int k) const { return k % dword_k() / 4 * code_bits(); }

  // A dword of neighbouring elements, as checkpoints have them, to one of a panel, and back.
  constexpr uint32_t to_panel(uint32_t x) const {
    if (codes == PanelCodes::fp4) return spread(x & 0xffff) | spread(x >> 16) << 4;
    return codes == PanelCodes::two_bit ? transposed(x) : x;
  }
  constexpr uint32_t from_panel(uint32_t x) const {
    if (codes == PanelCodes::fp4) return gathered(x) | gathered(x >> 4) << 16;
    return codes == PanelCodes::two_bit ? transposed(x) : x;
  }

 private:
  // Nibbles 0 to 3 to the low halves of bytes 0 to 3, and back.
  static constexpr uint32_t spread(uint32_t x) {
    x = (x | x << 8) & 0x00ff00ffu;
    return (x | x << 4) & 0x0f0f0f0fu;
  }
  static constexpr uint32_t gathered(uint32_t x) {
    x &= 0x0f0f0f0fu;
    x = (x | x >> 4) & 0x00ff00ffu;
    return (x | x >> 8) & 0xffffu;
  }
  // 4 x 4 elements of two bits: element 4a + b and 4b + a change places, one bit of a and b at a
  // time.
  static constexpr uint32_t transposed(uint32_t x) {
    uint32_t t = (x >> 6 ^ x) & 0x00cc00ccu;
    x ^= t ^ t << 6;
    t = (x >> 12 ^ x) & 0x0000f0f0u;
    return x ^ t ^ t << 12;
  }
};

namespace panel_detail {
// Every bit of a tile belongs to one scale or code, and to_panel() agrees with code_offset().
constexpr bool tiles_exactly(PanelLayout p) {
  uint8_t seen[2 * 4096] = {};
  for (int r = 0; r < p.rows; ++r) {
    for (int k = 0; k < p.tile_k(); ++k) {
      const int mask = ((1 << p.code_bits()) - 1) << p.code_shift(k);
      if (seen[p.code_offset(r, k)] & mask) return false;
      seen[p.code_offset(r, k)] = uint8_t(seen[p.code_offset(r, k)] | mask);
      if (p.block > 0 && k % p.block == 0) {
        if (seen[p.scale_offset(r, k)]) return false;
        seen[p.scale_offset(r, k)] = 255;
      }
    }
  }
  for (int i = 0; i < p.tile_bytes(); ++i)
    if (seen[i] != 255) return false;
  return seen[p.tile_bytes()] == 0;
}
constexpr bool dwords_agree(PanelLayout p) {
  for (int d = 0; d < p.dword_k(); ++d) {
    const uint32_t all = (1u << (p.code_bits() - 1) << 1) - 1;
    const uint32_t x = all << d * p.code_bits();
    const int at = 8 * (p.code_offset(0, d) - p.dword_offset(0, 0)) + p.code_shift(d);
    if (p.to_panel(x) != all << at || p.from_panel(all << at) != x) return false;
  }
  return true;
}
constexpr bool sound(PanelLayout p) { return tiles_exactly(p) && dwords_agree(p); }
constexpr bool sound(PanelCodes codes, int block) {
  return sound({8, codes, block}) && sound({16, codes, block});
}
}  // namespace panel_detail

static_assert(panel_detail::sound(PanelCodes::fp4, 16));     // nvfp4
static_assert(panel_detail::sound(PanelCodes::fp4, 32));     // mxfp4
static_assert(panel_detail::sound(PanelCodes::bytes, 32));   // mxfp8
static_assert(panel_detail::sound(PanelCodes::bytes, 0));    // fp8, int8
static_assert(panel_detail::sound(PanelCodes::two_bit, 0));  // ternary
// Whole cache lines for 512-bit registers: 9 of them hold 16 x 64 of nvfp4.
static_assert(PanelLayout{16, PanelCodes::fp4, 16}.tile_bytes() == 9 * 64);
static_assert(PanelLayout{16, PanelCodes::fp4, 32}.tile_bytes() == 17 * 64);
static_assert(PanelLayout{8, PanelCodes::fp4, 16}.tile_bytes() == 9 * 32);

}  // namespace nibble
