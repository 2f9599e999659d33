// Compiled once per ISA, with the kernel K of cpu/fp4_s8.h: a panel of gate and the same of up are
// the two that a token's broadcast dword meets.
#pragma once
#include "nibble/cpu/fp4_s8.h"
#include "nibble/numerics/elementary.h"
#include "nibble/ops/dual_gemm_nvfp4_s8/kernels.h"

namespace nibble::dual_gemm_nvfp4_s8 {
namespace {

template <class K>
void panel(const Args& a, int64_t p) {
  using F = cpu::Nvfp4Panels;
  using V = typename K::Lanes;
  const int64_t row = 16 * p, at = p * F::kLayout.panel_bytes(a.k);
  const int rows = int(std::min<int64_t>(16, a.n - row));
  const V gate_scale = V::load(a.gate_scale + row, rows),
          up_scale = V::load(a.up_scale + row, rows);
  const auto write = [&](const cpu::Fp4Sums& s) {
    for (int t = 0; t < s.count; ++t) {
      const float x_scale = a.x_scale[s.begin + t], unit = K::template kUnit<F>;
      const V g = cpu::fp4_scaled(V::load(s.of(t, 0)), unit, gate_scale, x_scale);
      const V u = cpu::fp4_scaled(V::load(s.of(t, 1)), unit, up_scale, x_scale);
      cpu::fp4_one_nan(g * math::sigmoid(g) * u).store(a.y + (s.begin + t) * a.ldy + row, rows);
    }
  };
  cpu::fp4_product<K, F>(std::array{a.gate + at, a.up + at},
                         cpu::Fp4Tokens{a.m, a.k / F::kBlock, a.workspace}, write);
}

template <class K>
void run(const Args& a, const Exec& e) {
  using F = cpu::Nvfp4Panels;
  cpu::fp4_pack<K, F>(a.x, a.ldx, a.m, a.k / F::kBlock, a.workspace, e.pool);
  // Half the panels of a product of one matrix.
  const int64_t grain = (cpu::fp4_grain<K, F>(a.m, a.k) + 1) / 2;
  cpu::parallel_even(e.pool, F::kLayout.panels(a.n), grain, 1, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) panel<K>(a, p);
  });
}

}  // namespace
}  // namespace nibble::dual_gemm_nvfp4_s8
