// Products of groups of tokens with a matrix each, as experts have them, by the kernels of one
// product. Tokens i of group g are offsets[g] <= i < offsets[g + 1]. Internal linkage: for ISA
// files too.
//
// Args: groups, m, n, k, ldx, ldy, offsets, w, w_stride, x, y, scratch or workspace, w_scale if
// matrices have factors, and x_scale if tokens have. w_stride is in elements of w.
#pragma once
#include <algorithm>

#include "nibble/base/op.h"
#include "nibble/base/parallel.h"

namespace nibble::cpu {

template <class Args>
concept Grouped = requires(const Args& a) {
  a.offsets;
};

namespace {

// A matrix of fewer bytes, which are read in 50 us, is work for one thread: to wake others for each
// would cost a tenth of that.
constexpr int64_t kGroupBytes = 2 << 20;

// The arguments of group g's product, for what multiplies one matrix, with `factors` of its own.
template <class Args>
[[maybe_unused]] Args group_of(const Args& a, int g, int64_t factors) {
  const int64_t first = a.offsets[g];
  Args one = a;
  one.groups = 1;
  one.m = a.offsets[g + 1] - first;
  one.offsets = nullptr;
  one.w += g * a.w_stride;
  if constexpr (requires { a.w_scale; })
    if (factors > 0) one.w_scale += g * factors;
  one.x += first * a.ldx;
  if constexpr (requires { a.x_scale; }) one.x_scale += first;
  one.y += first * a.ldy;
  return one;
}

template <class Args>
[[maybe_unused]] uint8_t*& scratch_of(Args& a) {
  if constexpr (requires { a.scratch; })
    return a.scratch;
  else
    return a.workspace;
}

// fn(product, exec) for each group that has tokens: with all threads one after another, or, where
// matrices are small, a task each. A token has `row_scratch` bytes, a multiple of 64.
template <class Args, class Fn>
[[maybe_unused]] void each_group(const Args& a, int64_t factors, int64_t row_scratch, const Exec& e,
                                 Fn&& fn) {
  const bool tasks = a.w_stride * int64_t(sizeof(*a.w)) < kGroupBytes;
  const auto run = [&](int g) {
    Args one = group_of(a, g, factors);
    if (one.m == 0) return;
    scratch_of(one) += a.offsets[g] * row_scratch;
    Exec here = e;
    if (tasks) here.pool = nullptr;
    fn(one, here);
  };
  parallel_tasks(tasks ? e.pool : nullptr, a.groups, [&](int64_t g, int) { run(int(g)); });
}

}  // namespace
}  // namespace nibble::cpu
