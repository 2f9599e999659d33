// encode_int8:  scale[r] = max_c |x[r][c]| / 127,   codes[r][c] = rne(x[r][c] / scale[r])
//
// Symmetric int8 rows (numerics/absmax.h): codes -127..127, never -128.
//
// A row of zeros has scale 0 and codes 0. A scale that is rounded to 0 or in its last bits makes
// codes 0 or +-127 at most. With an infinity the scale is infinite, with a NaN it is NaN, and all
// codes are 0.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/absmax.h"
#include "nibble/numerics/floats.h"

namespace nibble::encode_int8 {

struct Args {
  int64_t rows = 0, cols = 0;
  Floats x;                 // [rows][cols]
  int8_t* codes = nullptr;  // [rows][cols]
  float* scales = nullptr;  // [rows]
};

struct Op {
  using Args = encode_int8::Args;
  static constexpr std::string_view name = "encode_int8";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 3 * a.rows * a.cols,
            .bytes = a.rows * a.cols * (bytes_of(a.x.type) + 1) + 4 * a.rows,
            .arithmetic = Arithmetic::fp32};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::encode_int8
