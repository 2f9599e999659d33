// silu(g) * u of products with two matrices in fp4 panels F, for variants of dual ops, with the
// kernel K of cpu/fp4_s8.h: a panel of gate and the same of up are the two that a token's broadcast
// dword meets.
#pragma once
#include "nibble/cpu/fp4_s8.h"
#include "nibble/numerics/elementary.h"

namespace nibble::cpu {
namespace {

template <class K, class F, class Args>
void fp4_dual_panel(const Args& a, int64_t p) {
  using V = typename K::Lanes;
  const int64_t row = 16 * p, at = p * F::kLayout.panel_bytes(a.k);
  const int rows = int(std::min<int64_t>(16, a.n - row));
  const V gate_scale = V::load(a.gate_scale + row, rows),
          up_scale = V::load(a.up_scale + row, rows);
  const auto write = [&](const Fp4Sums& s) {
    for (int t = 0; t < s.count; ++t) {
      const float x_scale = fp4_token_scales(a)[s.begin + t], unit = K::template kUnit<F>;
      const V g = fp4_scaled(V::load(s.of(t, 0)), unit, gate_scale, x_scale);
      const V u = fp4_scaled(V::load(s.of(t, 1)), unit, up_scale, x_scale);
      fp4_one_nan(g * math::sigmoid(g) * u).store(a.y + (s.begin + t) * a.ldy + row, rows);
    }
  };
  fp4_product<K, F>(std::array{a.gate + at, a.up + at},
                    Fp4Tokens{a.m, a.k / F::kBlock, a.workspace}, write);
}

// Args of a dual op: m, n, k, ldx, ldy, gate, up, their scales, x, x_scale, y, workspace; x_blocks
// and token_scale if x is in NVFP4.
template <class K, class F, class Args>
void fp4_dual(const Args& a, const Exec& e) {
  fp4_pack<K, F>(a, e.pool);
  // Half the panels of a product of one matrix.
  const int64_t grain = (fp4_grain<K, F>(a.m, a.k) + 1) / 2;
  parallel_even(e.pool, F::kLayout.panels(a.n), grain, 1, [=](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) fp4_dual_panel<K, F>(a, p);
  });
}

}  // namespace
}  // namespace nibble::cpu
