// quantise_rows:  scale[r] = max_c |x[r][c]| / most,   codes[r][c] = rne(x[r][c] / scale[r])
//
// What products with quantised weights take: activations as int8 (most = 127) or int16 (most =
// 32639, numerics/s16.h), symmetric, a float for each row. Codes are clamped to +-most.
//
// A row of zeros has scale 0 and codes 0, and so has one whose scale is rounded to 0. With an
// infinity the scale is infinite, with a NaN it is NaN, and all codes are 0: a product with such a
// row is NaN.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/absmax.h"
#include "nibble/numerics/floats.h"
#include "nibble/numerics/s16.h"

namespace nibble::quantise_rows {

struct Args {
  int64_t rows = 0, cols = 0;
  int64_t ldx = 0;               // elements from a row of x to the next, >= cols
  DType code = DType::i16;       // i8 or i16
  Floats x;                      // [rows][ldx]
  int8_t* codes_s8 = nullptr;    // [rows][cols] for i8
  int16_t* codes_s16 = nullptr;  // [rows][cols] for i16
  float* scales = nullptr;       // [rows]
};

struct Op {
  using Args = quantise_rows::Args;
  static constexpr std::string_view name = "quantise_rows";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 3 * a.rows * a.cols,
            .bytes = a.rows * a.cols * (bytes_of(a.x.type) + bytes_of(a.code)) + 4 * a.rows,
            .arithmetic = Arithmetic::fp32};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::quantise_rows
