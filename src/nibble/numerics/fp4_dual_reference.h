// What the contracts of dual products of fp4 panels with tokens of int8 or of NVFP4 share: checks,
// buffers, the reference and its tolerance. `layout` is that of their panels, `workspace` the bytes
// of theirs.
#pragma once
#include <algorithm>
#include <cmath>
#include <string>

#include "nibble/numerics/dual_reference.h"
#include "nibble/numerics/fp4_product_reference.h"

namespace nibble {

template <class Args>
Status fp4_dual_check(const std::string& op, const PanelLayout& layout, const Args& a) {
  if (Status s = fp4_tokens_check(op, layout, a); !s.ok()) return s;
  return dual_check(op, a, 1);
}

template <class Args>
void fp4_dual_buffers(const PanelLayout& layout, Args& a, int64_t workspace, BufferVisitor& v) {
  v.in("gate", a.gate, layout.bytes(a.n, a.k), 64);
  v.in("up", a.up, layout.bytes(a.n, a.k), 64);
  v.in("gate_scale", a.gate_scale, a.n);
  v.in("up_scale", a.up_scale, a.n);
  fp4_token_buffers(a, workspace, v);
}

template <class Args>
void fp4_dual_reference(const PanelLayout& layout, const Args& a) {
  const Fp4TokenRows x(a);
  for (int j = 0; j < a.n; ++j) {
    const Fp4Row gate(layout, a.gate, j, a.k), up(layout, a.up, j, a.k);
    for (int64_t i = 0; i < a.m; ++i) {
      a.y[i * a.ldy + j] =
          silu_mul(x.product(gate, a.gate_scale[j], i), x.product(up, a.up_scale[j], i));
    }
  }
}

template <class Args>
Tolerance fp4_dual_tolerance(const PanelLayout& layout, const Args& a) {
  double scale = 0;  // the greatest of up's
  for (int j = 0; j < a.n; ++j) {
    const Fp4Row row(layout, a.up, j, a.k);
    scale = std::fmax(scale, greatest_of(row.scale.data(), int64_t(row.scale.size())));
  }
  const double x = Fp4TokenRows<Args>::kScaled ? 6 * 448 : 128;
  return silu_mul_tolerance(double(a.k) * 6 * scale * x * greatest_of(a.up_scale, a.n) *
                            greatest_of(a.x_scale, a.m));
}

}  // namespace nibble
