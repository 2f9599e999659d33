// encode_ternary:  w[r][c] = clip(rne(x[r][c] / gamma), -1, 1)
//
// BitNet b1.58: gamma is the mean magnitude of the tensor, ternary_gamma() of the sums that op
// magnitudes finds. Packed two bits or 1.6 bits to a weight (numerics/ternary_packed.h).
//
// |x| <= gamma / 2 is 0, and so is NaN; infinities are +-1. With a gamma of 0, infinity or NaN all
// weights are 0.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/absmax.h"
#include "nibble/numerics/floats.h"
#include "nibble/numerics/ternary_packed.h"

namespace nibble::encode_ternary {

struct Args {
  int64_t rows = 0, cols = 0;
  TernaryPacking packing = TernaryPacking::two_bit;
  Floats x;                      // [rows][cols]
  const float* gamma = nullptr;  // [1]
  uint8_t* codes = nullptr;      // [rows][ternary_row_bytes(packing, cols)]
};

struct Op {
  using Args = encode_ternary::Args;
  static constexpr std::string_view name = "encode_ternary";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 2 * a.rows * a.cols,
            .bytes = a.rows * (a.cols * bytes_of(a.x.type) + ternary_row_bytes(a.packing, a.cols)),
            .arithmetic = Arithmetic::fp32};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::encode_ternary
