// gelu_tanh_quantise:  y = x/2 (1 + tanh(0.7978845608 (x + 0.044715 x^3))),   y encoded
//
// GELU in its tanh form between the two products of a feed-forward layer, in one pass over memory:
// the activations of the second as codes with scales of the row (encode_rows.h). The trainer's
// gelu_quantise is of another kind: it reads integer sums and writes int8 of a fixed scale.
//
// In FP32, every operation rounded: i = fma(0.044715 * (x * x), x, x), y = (x * 0.5) * (1 +
// tanh(0.7978845608 * i)) with the tanh of numerics/elementary.h (2.50 ulp), rounded to bf16 with
// round_bf16. Then y's codes are those of encode_rows. Variants agree bit for bit. What is not
// finite: the GELU of -inf is NaN (inf times 0), that of inf is inf.
#pragma once
#include "nibble/ops/encode_rows/encode_rows.h"

namespace nibble::gelu_tanh_quantise {

inline constexpr int64_t kMaxCols = 1 << 16;  // a row of y is kept on the stack: 256 KiB

struct Args {
  int64_t rows = 0, cols = 0;  // cols: as encode_rows, at most kMaxCols
  int64_t ld = 0;              // >= cols
  bool round_bf16 = false;
  Floats x;  // [rows][ld], f32 or bf16
  encode_rows::Encoded to;
};

struct Op {
  using Args = gelu_tanh_quantise::Args;
  static constexpr std::string_view name = "gelu_tanh_quantise";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  // 26 operations an element, 18 of them tanh.
  static Work work(const Args& a) {
    return {.ops = 26 * a.rows * a.cols,
            .bytes = a.rows *
                     (a.cols * bytes_of(a.x.type) + encode_rows::row_bytes(a.to.format, a.cols)),
            .arithmetic = Arithmetic::fp32};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::gelu_tanh_quantise
