// The kernel of s8_dual.h by vpdpbusd: where tokens are many, the two panels that a token's
// broadcast meets are one of gate and one of up. Included by cpu_avx512_vnni.cpp of ops only.
#pragma once
#include "nibble/cpu/math_avx512.h"
#include "nibble/cpu/s8_dual.h"
#include "nibble/cpu/s8_panels_avx512.h"

namespace nibble::cpu {
namespace {

template <class Lines>
struct S8DualAvx512 {
  using Lanes = F32x16;
  static constexpr PanelLayout kLayout = Lines::kLayout;
  static constexpr bool kRowIsGroups = true;
  static constexpr int kTokens = kS8Tokens, kGroupBytes = 4;

  static void copy(const int8_t* x, int64_t ldx, int rows, int k, int8_t* to, int32_t* sums) {
    s8_copy_avx512(rows, x, ldx, k, to, sums);
  }
  static void both(int count, S8Tile gate, const S8Tile& up, int64_t begin, int64_t rows) {
    const auto ahead = [&](const S8Tile& t) {
      return ahead_of(t, begin, rows, TokenTiles{rows, kTokens}.count(), 1);
    };
    if (rows <= Lines::kAlone) {
      // What one asks for behind its panel is the next of its matrix, which waits in L2.
      s8_tile_avx512<Lines, 1>(count, gate, ahead(gate), 0);
      return s8_tile_avx512<Lines, 1>(count, up, ahead(up), 0);
    }
    alignas(64) float scales[kDualLd];
    Lanes::load(gate.w_scale, gate.columns).store(scales);
    Lanes::load(up.w_scale, up.columns).store(scales + kPanelRows);
    Ahead both = ahead(gate);
    both.turn = gate.w + gate.panel_bytes;  // the next panels are behind these
    gate.w_scale = scales, gate.columns = kDualLd;
    s8_tile_avx512<Lines, 2>(count, gate, both,
                             reinterpret_cast<intptr_t>(up.w) - reinterpret_cast<intptr_t>(gate.w));
  }
};

}  // namespace
}  // namespace nibble::cpu
