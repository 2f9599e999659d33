// encode_mx:  x[r][c]  ->  codes[r][c],  scales[r][c / 32] ue8m0
//
// OCP MX formats (numerics/mx.h): MXFP4 with e2m1 elements, two to a byte, the even column in the
// low nibble; MXFP8 with e4m3 or e5m2 elements. The scale follows from the block's greatest
// magnitude by the rule; the element is x * 2^(127 - scale) to nearest, ties to even, saturated.
//
// Zeros keep their sign. A block of zeros has scale 0 (2^-127). A block with a NaN has scale 0xff
// and codes 0. With an infinity the scale is 254 by rceil, else 255 less the exponent of the
// largest element (0xfd e2m1, 0xf7 e4m3, 0xf0 e5m2), and infinite elements are the largest.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/floats.h"
#include "nibble/numerics/mx.h"

namespace nibble::encode_mx {

struct Args {
  int64_t rows = 0, cols = 0;  // cols: a multiple of 32
  MxFormat format = MxFormat::e2m1;
  MxScale rule = MxScale::floor;
  Floats x;                  // [rows][cols]
  uint8_t* codes = nullptr;  // [rows][mx_row_bytes(format, cols)]
  ue8m0* scales = nullptr;   // [rows][cols / 32]
};

struct Op {
  using Args = encode_mx::Args;
  static constexpr std::string_view name = "encode_mx";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 3 * a.rows * a.cols,
            .bytes = a.rows *
                     (a.cols * bytes_of(a.x.type) + mx_row_bytes(a.format, a.cols) + a.cols / 32),
            .arithmetic = Arithmetic::fp32};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::encode_mx
