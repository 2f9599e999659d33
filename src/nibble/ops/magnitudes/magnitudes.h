// magnitudes:  amax[r] = max_c |x[r][c]|,   sum[r] = sum_c |x[r][c]|
//
// What encoders want to know of a matrix before they encode it. amax is NaN (0x7fc00000) if the row
// has one. The sum is taken in double in the house's order (numerics/reduce.h): 16 lanes, lane j
// adding columns j, j + 16, ... in turn, then 8 + 8, 4 + 4, 2 + 2, 1 + 1. A NaN in it is the quiet
// one without sign.
//
// A matrix of several pieces has the greatest amax of theirs (any NaN: NaN), and sums are added in
// order of rows.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/floats.h"

namespace nibble::magnitudes {

struct Args {
  int64_t rows = 0, cols = 0;
  bool with_sum = false;  // is there `sum`
  Floats x;               // [rows][cols]
  float* amax = nullptr;  // [rows]
  double* sum = nullptr;  // [rows]
};

struct Op {
  using Args = magnitudes::Args;
  static constexpr std::string_view name = "magnitudes";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 2 * a.rows * a.cols,
            .bytes = a.rows * a.cols * bytes_of(a.x.type) + a.rows * (a.with_sum ? 12 : 4),
            .arithmetic = Arithmetic::fp32};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::magnitudes
