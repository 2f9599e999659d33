// What the contracts of products of fp4 panels with tokens of int8 or of NVFP4 share: checks,
// buffers, and references for one product and for one of each group. `layout` is that of their
// panels, `workspace` the bytes of their workspaces.
#pragma once
#include <string>

#include "nibble/base/op.h"
#include "nibble/numerics/fp4_rows.h"
#include "nibble/numerics/grouped_contract.h"

namespace nibble {

// What all ask of their tokens, results and workspaces.
template <class Args>
Status fp4_tokens_check(const std::string& op, const PanelLayout& layout, const Args& a) {
  if (a.k < 1 || a.k % layout.block != 0)
    return Status::error(op + ": k must be a positive multiple of " + std::to_string(layout.block) +
                         ", got " + std::to_string(a.k));
  if (a.ldx < a.k || a.ldy < a.n)
    return Status::error(op + ": ldx must be at least k=" + std::to_string(a.k) +
                         " and ldy at least n=" + std::to_string(a.n) + ", got " +
                         std::to_string(a.ldx) + " and " + std::to_string(a.ldy));
  bool null = !a.x || !a.x_scale || !a.y || !a.workspace;
  if constexpr (requires { a.x_blocks; }) {
    if (a.ldx % 2 != 0)
      return Status::error(op + ": ldx must be even, got " + std::to_string(a.ldx));
    null = null || !a.x_blocks || !a.token_scale;
  }
  return null ? Status::error(op + ": no pointer may be null") : Status();
}
template <class Args>
Status fp4_operands_check(const std::string& op, const PanelLayout& layout, const Args& a) {
  if (Status s = fp4_tokens_check(op, layout, a); !s.ok()) return s;
  if (!a.w || !a.w_scale) return Status::error(op + ": no pointer may be null");
  if (reinterpret_cast<uintptr_t>(a.w) % 64 != 0)
    return Status::error(op + ": w must be aligned to 64 bytes");
  return {};
}
// Tokens, results and workspace.
template <class Args>
void fp4_token_buffers(Args& a, int64_t workspace, BufferVisitor& v) {
  if constexpr (requires { a.x_blocks; }) {
    v.in("x", a.x, ((a.m - 1) * a.ldx + a.k) / 2);
    v.in("x_blocks", a.x_blocks, a.m * a.k / 16);
    v.workspace("token_scale", a.token_scale, a.m);
  } else {
    v.in("x", a.x, (a.m - 1) * a.ldx + a.k);
  }
  v.in("x_scale", a.x_scale, a.m);
  if (a.ldy == a.n)
    v.out("y", a.y, a.m * a.n);
  else
    v.inout("y", a.y, (a.m - 1) * a.ldy + a.n);
  v.workspace("workspace", a.workspace, workspace);
}

// One product.
template <class Args>
Status fp4_product_check(const std::string& op, const PanelLayout& layout, const Args& a) {
  if (a.m < 1 || a.n < 1)
    return Status::error(op + ": m and n must be positive, got m=" + std::to_string(a.m) +
                         ", n=" + std::to_string(a.n));
  return fp4_operands_check(op, layout, a);
}
template <class Args>
void fp4_product_buffers(const PanelLayout& layout, Args& a, int64_t workspace, BufferVisitor& v) {
  v.in("w", a.w, layout.bytes(a.n, a.k), 64);
  v.in("w_scale", a.w_scale, a.n);
  fp4_token_buffers(a, workspace, v);
}
template <class Args>
void fp4_product_reference(const PanelLayout& layout, const Args& a) {
  const Fp4TokenRows x(a);
  for (int j = 0; j < a.n; ++j) {
    const Fp4Row row(layout, a.w, j, a.k);
    for (int64_t i = 0; i < a.m; ++i) a.y[i * a.ldy + j] = x.product(row, a.w_scale[j], i);
  }
}

// A product for each group of tokens.
template <class Args>
Status fp4_grouped_check(const std::string& op, const PanelLayout& layout, const Args& a) {
  if (Status s = grouped_check(op, layout, a); !s.ok()) return s;
  return fp4_operands_check(op, layout, a);
}
template <class Args>
void fp4_grouped_buffers(const PanelLayout& layout, Args& a, int64_t workspace, BufferVisitor& v) {
  grouped_buffers(layout, a, v);
  v.in("w_scale", a.w_scale, int64_t(a.groups) * a.n);
  fp4_token_buffers(a, workspace, v);
}
template <class Args>
void fp4_grouped_reference(const PanelLayout& layout, const Args& a) {
  const Fp4TokenRows x(a);
  for (int g = 0; g < a.groups; ++g)
    for (int j = 0; j < a.n; ++j) {
      const Fp4Row row(layout, a.w + g * a.w_stride, j, a.k);
      for (int64_t i = a.offsets[g]; i < a.offsets[g + 1]; ++i)
        a.y[i * a.ldy + j] = x.product(row, a.w_scale[int64_t(g) * a.n + j], i);
    }
}

}  // namespace nibble
