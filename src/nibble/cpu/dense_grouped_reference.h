// What the contracts of products of groups of tokens with a whole matrix each share.
#pragma once
#include <string>

#include "nibble/cpu/groups.h"
#include "nibble/numerics/dense_reference.h"
#include "nibble/numerics/grouped_contract.h"

namespace nibble::cpu {

template <class Args>
Status dense_grouped_check(const std::string& op, const Args& a) {
  constexpr DensePanel layout = kDensePanelOf<typename Args::Element>;
  if (Status s = grouped_check(op, layout.elements(a.n, a.k), kDensePanel, a); !s.ok()) return s;
  return dense_check(op, a);
}
template <class Args>
void dense_grouped_buffers(Args& a, BufferVisitor& v) {
  constexpr DensePanel layout = kDensePanelOf<typename Args::Element>;
  grouped_buffers(layout.elements(a.n, a.k), a, v);
  v.in("x", a.x, (a.m - 1) * a.ldx + a.k);
  v.inout("y", a.y, (a.m - 1) * a.ldy + a.n);
  v.workspace("workspace", a.workspace, a.m * dense_row_bytes(a.k, layout), 64);
}
template <class Args>
void dense_grouped_reference(const Args& a) {
  for (int g = 0; g < a.groups; ++g)
    if (a.offsets[g] < a.offsets[g + 1]) dense_reference(group_of(a, g, 0));
}
// Reads the matrices of groups that have tokens.
template <class Args>
Work dense_grouped_work(const Args& a, Arithmetic arithmetic) {
  constexpr DensePanel layout = kDensePanelOf<typename Args::Element>;
  const int64_t elements = groups_read(a) * layout.elements(a.n, a.k) + a.m * a.k;
  return {.ops = 2 * a.m * a.n * a.k,
          .bytes = int64_t(sizeof(*a.w)) * elements + 4 * a.m * a.n,
          .arithmetic = arithmetic};
}

}  // namespace nibble::cpu
