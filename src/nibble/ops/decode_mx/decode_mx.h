// decode_mx:  y[r][c] = element * 2^(scale - 127)
//
// MXFP4 and MXFP8 as op encode_mx lays them out. Exact but where the product is no float: below
// 2^-149 it is rounded, past the largest float infinite; for bf16 the float is rounded once more.
//
// Scale 0xff gives NaN, and so do the NaN elements of e4m3 and e5m2, always the quiet one without
// sign. Infinities of e5m2 stay infinite; -0 stays -0.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/floats.h"
#include "nibble/numerics/mx.h"

namespace nibble::decode_mx {

struct Args {
  int64_t rows = 0, cols = 0;  // cols: a multiple of 32
  MxFormat format = MxFormat::e2m1;
  const uint8_t* codes = nullptr;  // [rows][mx_row_bytes(format, cols)]
  const ue8m0* scales = nullptr;   // [rows][cols / 32]
  MutableFloats y;                 // [rows][cols]
};

struct Op {
  using Args = decode_mx::Args;
  static constexpr std::string_view name = "decode_mx";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = a.rows * a.cols,
            .bytes = a.rows *
                     (a.cols * bytes_of(a.y.type) + mx_row_bytes(a.format, a.cols) + a.cols / 32),
            .arithmetic = Arithmetic::none};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::decode_mx
