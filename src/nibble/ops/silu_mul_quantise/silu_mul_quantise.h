// silu_mul_quantise:  y = silu(gate) * up,   silu(g) = g / (1 + exp(-g)),   y encoded
//
// What stands between the two products of a gated feed-forward layer, in one pass over memory: the
// activations of the second as codes with scales of the row (encode_rows.h). gate and up are
// matrices of their own or halves of one: each has `ld` elements from a row to the next.
//
// In FP32, every operation rounded: y = (g * sigmoid(g)) * u with the sigmoid of
// numerics/elementary.h (2.41 ulp), rounded to bf16 with round_bf16, as serving stacks do that
// write the product in between. Then y's codes are those of encode_rows. Variants agree bit for
// bit. What is not finite: silu(-inf) is NaN (inf times 0), silu(inf) is inf.
#pragma once
#include "nibble/ops/encode_rows/encode_rows.h"

namespace nibble::silu_mul_quantise {

inline constexpr int64_t kMaxCols = 1 << 16;  // a row of y is kept on the stack: 256 KiB

struct Args {
  int64_t rows = 0, cols = 0;  // cols: as encode_rows, at most kMaxCols
  int64_t ld = 0;              // >= cols
  bool round_bf16 = false;
  Floats gate, up;  // [rows][ld], f32 or bf16, of one type
  encode_rows::Encoded to;
};

struct Op {
  using Args = silu_mul_quantise::Args;
  static constexpr std::string_view name = "silu_mul_quantise";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  // 20 operations an element, 17 of them the sigmoid.
  static Work work(const Args& a) {
    return {.ops = 20 * a.rows * a.cols,
            .bytes = a.rows * (2 * a.cols * bytes_of(a.gate.type) +
                               encode_rows::row_bytes(a.to.format, a.cols)),
            .arithmetic = Arithmetic::fp32};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::silu_mul_quantise
