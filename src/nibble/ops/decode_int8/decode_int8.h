// decode_int8:  y[r][c] = codes[r][c] * scale[r]
//
// One rounding to float; for bf16 once more. -128 is legal here. An infinite scale times code 0 is
// NaN, always the quiet one without sign; code 0 of a negative scale is -0.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/floats.h"

namespace nibble::decode_int8 {

struct Args {
  int64_t rows = 0, cols = 0;
  const int8_t* codes = nullptr;  // [rows][cols]
  const float* scales = nullptr;  // [rows]
  MutableFloats y;                // [rows][cols]
};

struct Op {
  using Args = decode_int8::Args;
  static constexpr std::string_view name = "decode_int8";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = a.rows * a.cols,
            .bytes = a.rows * a.cols * (bytes_of(a.y.type) + 1) + 4 * a.rows,
            .arithmetic = Arithmetic::none};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::decode_int8
