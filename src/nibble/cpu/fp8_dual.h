// silu(g) * u of products with two matrices in panels of fp8_panels.h, for variants of dual ops: a
// tile of gate, then the same of up.
//
// Args: m, n, k, ldx, ldy, w_factors, gate, up, their scales, x, y, workspace.
#pragma once
#include "nibble/cpu/dual_tile.h"
#include "nibble/cpu/fp8_panels.h"

namespace nibble::cpu {

// The product with one of the two, as what multiplies by one matrix takes it.
template <class T>
struct Fp8Half {
  int64_t m = 0;
  int n = 0, k = 0;
  int64_t ldx = 0, ldy = 0;
  Fp8Factors w_factors = Fp8Factors::rows;
  const uint8_t* w = nullptr;
  const float* w_scale = nullptr;
  const T* x = nullptr;
  float* y = nullptr;
  uint8_t* scratch = nullptr;
};

namespace {

template <class Args>
[[maybe_unused]] Fp8Half<Element<Args>> fp8_half(const Args& a, const uint8_t* w,
                                                 const float* w_scale) {
  return {a.m, a.n, a.k, a.ldx, a.ldy, a.w_factors, w, w_scale, a.x, a.y, a.workspace};
}

// copy and tile as run_fp8() takes them, V: 16 floats.
template <class V, class Groups, int kTokens, class Args, class Copy, class Tile>
[[maybe_unused]] void fp8_dual(const Args& a, const Exec& e, Copy&& copy, Tile&& tile) {
  Fp8Scales scales;
  scales.set_w(a.w_factors, a.gate_scale);
  const auto of_up = [&](const float* gate) {
    return gate ? a.up_scale + (gate - a.gate_scale) : nullptr;
  };
  run_fp8<Groups, kTokens>(
      fp8_half(a, a.gate, a.gate_scale), scales, e, copy, [&](int rows, const Fp8Tile& gate) {
        dual_tile<V, kTokens>(rows, gate.columns, gate.y, gate.ldy, [&](float* both) {
          Fp8Tile t = gate;
          t.y = both, t.ldy = kDualLd;
          tile(rows, t);
          t.w = a.up + (gate.w - a.gate), t.y = both + kPanelRows;
          t.scales.set_w(Fp8Factors::rows, of_up(gate.scales.w_row));
          t.scales.set_w(Fp8Factors::blocks, of_up(gate.scales.w_tile));
          tile(rows, t);
        });
      });
}

}  // namespace
}  // namespace nibble::cpu
