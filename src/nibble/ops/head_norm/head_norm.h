// head_norm:  y[r][h][d] = rne(x[r][h][d] * (mean_code / max(floor, mean_d |x[r][h][d]|)))
//
// The abs-mean norm of an attention output, one head of one row at a time, as integer increments of
// an int8 residual: whatever the scale of the values, the increments have a mean magnitude of
// mean_code codes, so that the branch neither rounds to nothing nor saturates. They are clamped to
// [-127, 127].
//
// sum_d |x| in the order of numerics/reduce.h, then float(mean_code * head_dim) / that: the same
// bits on every ISA.
#pragma once
#include "nibble/base/op.h"

namespace nibble::head_norm {

struct Args {
  int64_t rows = 0;
  int heads = 0, head_dim = 0;  // head_dim a multiple of 16
  float mean_code = 1;
  float floor = 1e-6f;       // > 0
  const float* x = nullptr;  // [rows][heads][head_dim]
  int32_t* y = nullptr;      // [rows][heads][head_dim]
};

struct Op {
  using Args = head_norm::Args;
  static constexpr std::string_view name = "head_norm";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    const int64_t size = a.rows * a.heads * a.head_dim;
    return {.ops = 4 * size, .bytes = 8 * size, .arithmetic = Arithmetic::fp32};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::head_norm
