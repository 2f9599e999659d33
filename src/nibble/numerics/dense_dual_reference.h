// What the contracts of dual dense products (dual_gemm_f32, _bf16, _fp16) share: checks, buffers,
// the reference in double and its tolerance.
#pragma once
#include <cmath>
#include <string>
#include <vector>

#include "nibble/numerics/dense_reference.h"
#include "nibble/numerics/dual_reference.h"

namespace nibble {

namespace dense_detail {
// One of the two products, for what knows one.
template <class Args>
struct OneOfTwo : Args {
  const typename Args::Element* w = nullptr;
};
}  // namespace dense_detail

template <class Args>
Status dense_dual_check(const std::string& op, const Args& a) {
  return dense_check(op, a, {a.gate, a.up}, "gate, up");
}

template <class Args>
void dense_dual_buffers(Args& a, BufferVisitor& v) {
  constexpr DensePanel layout = kDensePanelOf<typename Args::Element>;
  v.in("gate", a.gate, layout.elements(a.n, a.k), 64);
  v.in("up", a.up, layout.elements(a.n, a.k), 64);
  v.in("x", a.x, (a.m - 1) * a.ldx + a.k);
  v.inout("y", a.y, (a.m - 1) * a.ldy + a.n);
  v.workspace("workspace", a.workspace, dense_workspace_bytes(a.m, a.k, layout), 64);
}

template <class Args>
void dense_dual_reference(const Args& a) {
  std::vector<float> both[2];
  for (int i = 0; i < 2; ++i) {
    both[i].resize(size_t(a.m * a.n));
    dense_detail::OneOfTwo<Args> one{a, i == 0 ? a.gate : a.up};
    one.y = both[i].data(), one.ldy = a.n;
    dense_reference(one);
  }
  silu_mul(a, both[0], both[1]);
}

// g and u err by dense_chain_error(), and are below sqrt(k) when operands are in [-1, 1], as it has
// it: silu(g) is no steeper than 1.1 and no greater than |g|. Where both sums are exact, sigmoid
// errs by 2.41 ulp for g >= -87 and the products by a half each. Below -87 it is subnormal: a few
// of the least floats, times g and u, which are below 2^24 where sums are exact.
template <class Args>
Tolerance dense_dual_tolerance(const Args& a) {
  return {.abs = 2.1 * dense_chain_error(a.k) * std::sqrt(double(a.k)) + 0x1p-98,
          .rel = 4 * 0x1p-23};
}

}  // namespace nibble
