// decode_ternary:  y[r][c] = w[r][c] * gamma
//
// Weights as op encode_ternary packs them; any byte is legal (numerics/ternary_packed.h). Exact in
// float; for bf16 rounded once. NaNs are the quiet one without sign; 0 of a negative gamma is -0.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/floats.h"
#include "nibble/numerics/ternary_packed.h"

namespace nibble::decode_ternary {

struct Args {
  int64_t rows = 0, cols = 0;
  TernaryPacking packing = TernaryPacking::two_bit;
  const uint8_t* codes = nullptr;  // [rows][ternary_row_bytes(packing, cols)]
  const float* gamma = nullptr;    // [1]
  MutableFloats y;                 // [rows][cols]
};

struct Op {
  using Args = decode_ternary::Args;
  static constexpr std::string_view name = "decode_ternary";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = a.rows * a.cols,
            .bytes = a.rows * (a.cols * bytes_of(a.y.type) + ternary_row_bytes(a.packing, a.cols)),
            .arithmetic = Arithmetic::none};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::decode_ternary
