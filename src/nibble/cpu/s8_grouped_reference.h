// What the contracts of products of groups of int8 tokens with panels of whole codes share: checks,
// buffers, and the reference; weight(code) of the bits of a code.
#pragma once
#include <string>

#include "nibble/cpu/groups.h"
#include "nibble/numerics/grouped_contract.h"
#include "nibble/numerics/s8_product_reference.h"

namespace nibble::cpu {

template <class Args>
Status s8_grouped_check(const std::string& op, const PanelLayout& layout, const Args& a,
                        int most_k) {
  if (Status s = grouped_check(op, layout, a); !s.ok()) return s;
  return s8_product_check(op, a, most_k);
}
template <class Args>
void s8_grouped_buffers(const PanelLayout& layout, Args& a, int64_t scratch, BufferVisitor& v) {
  grouped_buffers(layout, a, v);
  v.in("w_scale", a.w_scale, int64_t(a.groups) * a.n);
  v.in("x", a.x, (a.m - 1) * a.ldx + a.k);
  v.in("x_scale", a.x_scale, a.m);
  v.inout("y", a.y, (a.m - 1) * a.ldy + a.n);
  v.workspace("scratch", a.scratch, scratch, 64);
}
template <class Args, class Weight>
void s8_grouped_reference(const PanelLayout& layout, const Args& a, Weight weight) {
  for (int g = 0; g < a.groups; ++g) s8_product_reference(layout, group_of(a, g, a.n), weight);
}

}  // namespace nibble::cpu
