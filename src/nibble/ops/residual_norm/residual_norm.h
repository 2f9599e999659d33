// residual_norm:  x'[r] = sat(x[r] + rne(scale * (acc[r] + step * e[r])))
//                 y[r]  = sat(rne(x'[r] * (mean_code / max(1, mean |x'[r]|))))
//
// The residual add of an int8 residual and the abs-mean norm behind it, one row at a time.
// sat clamps to [-127, 127]. y is what the next GEMM reads: its mean magnitude is mean_code codes
// whatever the residual's unit. The divisor is floored at one code.
//
// Without acc the residual is only normed; without y only added to. e is the sign of a noise bit as
// in relu2_quantise, 0 without noise. x_out may be x.
//
// With steps, row r adds steps[r] * e in place of step * e; row r reads row r / share of the noise.
//
// sum |x'| is an exact integer; the factor is one IEEE division float(mean_code * n) / float(sum):
// the same bits on every ISA. |x'| * factor <= 127 * mean_code * n stays a float; it is clamped
// before it is converted.
#pragma once
#include "nibble/base/op.h"

namespace nibble::residual_norm {

inline constexpr int kMaxN = 1 << 16;  // sum |x| < 2^24: exact as a float

struct Args {
  int64_t rows = 0;
  int n = 0;  // a multiple of 16, <= kMaxN
  float scale = 1;
  int32_t step = 0;
  float mean_code = 12.8f;
  bool with_acc = false, with_noise = false, with_norm = true;  // which buffers are there
  const int8_t* x = nullptr;                                    // [rows][n]
  const int32_t* acc = nullptr;                                 // [rows][n]
  const uint16_t* noise = nullptr;  // [ceil(rows / share)][n / 16]; needs acc
  bool with_steps = false;          // a step for each row instead of `step`; needs noise
  int share = 1;                    // neighbouring rows that read the same row of noise
  const int32_t* steps = nullptr;   // [rows]
  int8_t* x_out = nullptr;          // [rows][n]; there if acc is
  int8_t* y = nullptr;              // [rows][n]
};

struct Op {
  using Args = residual_norm::Args;
  static constexpr std::string_view name = "residual_norm";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 8 * a.rows * a.n, .bytes = 7 * a.rows * a.n, .arithmetic = Arithmetic::fp32};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::residual_norm
