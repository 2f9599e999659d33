// silu(g) * u of products with two matrices in panels of s8_panels.h: what variants of dual ops of
// int8 and of ternary weights share. A panel of gate and the same of up are multiplied together.
//
// Args: m, n, k, ldx, ldy, gate, up, their scales, x, x_scale, y, workspace.
#pragma once
#include "nibble/cpu/dual_tile.h"
#include "nibble/cpu/s8_panels.h"

namespace nibble::cpu {

// The product with one of the two, as what multiplies by one matrix takes it.
struct S8Half {
  int64_t m = 0;
  int n = 0, k = 0;
  int64_t ldx = 0, ldy = 0;
  const uint8_t* w = nullptr;
  const float* w_scale = nullptr;
  const int8_t* x = nullptr;
  const float* x_scale = nullptr;
  float* y = nullptr;
};

namespace {

template <class Args>
[[maybe_unused]] S8Half s8_half(const Args& a, const uint8_t* w, const float* w_scale) {
  return {a.m, a.n, a.k, a.ldx, a.ldy, w, w_scale, a.x, a.x_scale, a.y};
}
template <class Args>
[[maybe_unused]] S8Half s8_gate(const Args& a) {
  return s8_half(a, a.gate, a.gate_scale);
}
template <class Args>
[[maybe_unused]] S8Half s8_up(const Args& a) {
  return s8_half(a, a.up, a.up_scale);
}

// K: of an ISA and a kind of codes,
//
//   Lanes, kLayout, kTokens, kGroupBytes   16 floats, the panels', and as run_s8_*() has them
//   kRowIsGroups                           whether a row alone lies as its groups do
//   copy(x, ldx, rows, k, to, sums)        as s8_copy()
//   both(count, gate, up, begin, rows)     tiles of so many rows of a block, of one panel each, to
//                                          y and y + kPanelRows of gate's, kDualLd from row to row
template <class K, class Args>
void s8_dual(const Args& a, const Exec& e) {
  const int64_t panel_bytes = K::kLayout.panel_bytes(a.k), most = s8_block(a.m, a.k);
  const S8Rows x = s8_rows(a.workspace, most);
  const bool in_place = K::kRowIsGroups && a.m == 1 && a.k % 64 == 0;
  for (int64_t block = 0; block < a.m; block += most) {
    const int64_t rows = std::min(most, a.m - block);
    each_tile_copy<K::kTokens>(rows, e.pool, [&](int64_t begin, int count) {
      int8_t* to = x.groups + begin * padded_k(a.k) / 4 * K::kGroupBytes;
      K::copy(a.x + (block + begin) * a.ldx, a.ldx, count, a.k, in_place ? nullptr : to,
              x.sums + begin);
    });
    const auto tile = [&](int64_t begin, int count, int64_t panel, int) {
      const auto of = [&](const S8Half& half) {
        S8Tile t = s8_tile(half, x, K::kGroupBytes, block, begin, panel, panel_bytes, 1);
        if (in_place) t.groups = a.x;
        return t;
      };
      S8Tile gate = of(s8_gate(a)), up = of(s8_up(a));
      dual_tile<typename K::Lanes, K::kTokens>(count, gate.columns, gate.y, gate.ldy,
                                               [&](float* both) {
                                                 gate.y = both, up.y = both + kPanelRows;
                                                 gate.ldy = up.ldy = kDualLd;
                                                 K::both(count, gate, up, begin, rows);
                                               });
    };
    each_tile<K::kTokens, 1>(rows, a.n, 2 * panel_bytes, e.pool, tile);
  }
}

}  // namespace
}  // namespace nibble::cpu
