// s8_dual.h without vector instructions: a panel's product with a few tokens is a product.
#pragma once
#include "nibble/cpu/s8_dual.h"
#include "nibble/cpu/s8_panels_portable.h"
#include "nibble/numerics/lanes.h"

namespace nibble::cpu {
namespace {

template <class Codes, class Args>
void s8_dual_portable(const Args& a, const Exec& e) {
  constexpr int kTokens = 8;
  parallel_for(e.pool, Codes::kLayout.panels(a.n), 1, [&](int64_t panel, int64_t) {
    const int64_t column = panel * kPanelRows;
    const auto part = [&](S8Half half, int64_t token, int count, float* y) {
      half.m = count, half.n = int(std::min<int64_t>(kPanelRows, a.n - column));
      half.w += panel * Codes::kLayout.panel_bytes(a.k), half.w_scale += column;
      half.x += token * a.ldx, half.x_scale += token;
      half.y = y, half.ldy = kDualLd;
      run_s8_portable<Codes>(half, {});
    };
    for (int64_t token = 0; token < a.m; token += kTokens) {
      const int count = int(std::min<int64_t>(kTokens, a.m - token));
      dual_tile<numerics::F32x16, kTokens>(count, int(std::min<int64_t>(kPanelRows, a.n - column)),
                                           a.y + token * a.ldy + column, a.ldy, [&](float* both) {
                                             part(s8_gate(a), token, count, both);
                                             part(s8_up(a), token, count, both + kPanelRows);
                                           });
    }
  });
}

}  // namespace
}  // namespace nibble::cpu
