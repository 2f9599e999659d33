// gelu_quantise:  y[r][j] = q8(out_scale * gelu(sum_scale * sum[r][j] + bias[r mod bias_rows][j]))
//
// The epilogue of an integer GEMM: its sums become float, take an optional additive table (the
// positions of a sequence, repeated for each sequence of the batch), pass GELU in its tanh form
//   gelu(u) = u/2 (1 + tanh(0.7978845608 (u + 0.044715 u^3)))
// and are rounded to int8, to nearest even, clamped to [-127, 127] (numerics/s8.h).
//
// Every operation is rounded to float in the order of gelu.h, tanh is that of
// numerics/elementary.h: variants agree bit for bit. The reference is in double; a value within
// 2^-18 of a half may round to the other side, hence the tolerance of one code.
#pragma once
#include "nibble/base/op.h"

namespace nibble::gelu_quantise {

struct Args {
  int64_t rows = 0;
  int cols = 0;
  int bias_rows = 0;  // 0: no bias
  float sum_scale = 1, out_scale = 1;
  const int32_t* sum = nullptr;  // [rows][cols]
  const float* bias = nullptr;   // [bias_rows][cols]
  int8_t* y = nullptr;           // [rows][cols]
};

struct Op {
  using Args = gelu_quantise::Args;
  static constexpr std::string_view name = "gelu_quantise";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {.codes = 1}; }
  // 30 operations an element, 18 of them tanh.
  static Work work(const Args& a) {
    return {.ops = 30 * a.rows * a.cols,
            .bytes = 5 * a.rows * a.cols + 4 * int64_t(a.bias_rows) * a.cols};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::gelu_quantise
