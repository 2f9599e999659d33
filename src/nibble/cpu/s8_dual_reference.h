// What the contracts of dual products of int8 tokens with panels of whole codes share: checks,
// buffers, the reference and its tolerance.
#pragma once
#include <vector>

#include "nibble/cpu/s8_dual.h"
#include "nibble/numerics/dual_reference.h"
#include "nibble/numerics/s8_product_reference.h"

namespace nibble::cpu {

template <class Args>
Status s8_dual_check(const std::string& op, const Args& a, int most_k) {
  if (a.k < 1 || a.k > most_k)
    return Status::error(op + ": k must be in 1.." + std::to_string(most_k) + ", got " +
                         std::to_string(a.k));
  return dual_check(op, a, 64);
}

template <class Args>
void s8_dual_buffers(const PanelLayout& layout, Args& a, int64_t workspace, BufferVisitor& v) {
  dual_buffers(a, layout.bytes(a.n, a.k), a.n, workspace, 64, v);
}

// weight(code) of the bits of a code.
template <class Args, class Weight>
void s8_dual_reference(const PanelLayout& layout, const Args& a, Weight weight) {
  std::vector<float> g(size_t(a.m) * size_t(a.n)), u(g.size());
  S8Half gate = s8_gate(a), up = s8_up(a);
  gate.y = g.data(), up.y = u.data(), gate.ldy = up.ldy = a.n;
  s8_product_reference(layout, gate, weight);
  s8_product_reference(layout, up, weight);
  silu_mul(a, g, u);
}

// No weight is greater than `weight`.
template <class Args>
Tolerance s8_dual_tolerance(const Args& a, int weight) {
  return silu_mul_tolerance(double(a.k) * weight * 128 * greatest_of(a.up_scale, a.n) *
                            greatest_of(a.x_scale, a.m));
}

}  // namespace nibble::cpu
