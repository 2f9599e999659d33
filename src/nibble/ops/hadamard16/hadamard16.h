// hadamard16:  y = (1/4) H diag(s) x, or its inverse, for every 16 neighbours of a row
//
// The random Hadamard transform (numerics/hadamard.h): spreads outliers over their block before it
// is encoded. Both operands of a product that are transformed along K leave the product as it was.
//
// Sums in float in a fixed order; bf16 results are rounded once more. A NaN or two infinities of a
// block make all of it NaN (0x7fc00000) that they reach.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/floats.h"
#include "nibble/numerics/hadamard.h"

namespace nibble::hadamard16 {

struct Args {
  int64_t rows = 0, cols = 0;       // cols: a multiple of 16
  uint16_t signs = kHadamardSigns;  // bit i: element i is negated
  bool inverse = false;
  Floats x;         // [rows][cols]
  MutableFloats y;  // [rows][cols]
};

struct Op {
  using Args = hadamard16::Args;
  static constexpr std::string_view name = "hadamard16";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 5 * a.rows * a.cols,
            .bytes = a.rows * a.cols * (bytes_of(a.x.type) + bytes_of(a.y.type)),
            .arithmetic = Arithmetic::fp32};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::hadamard16
