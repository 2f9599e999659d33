// decode_nvfp4:  y[r][c] = element * scale * decode
//
// The exact product of an e2m1 element, its block's e4m3 scale and the tensor's (or row's) float,
// rounded once to float and, for bf16, once more: element * scale has 6 significant bits. `decode`
// is what nvfp4_tensor() gives: amax / 2688 or the reciprocal of the encoder's scale.
//
// Every scale byte is legal, subnormals and 0 too; the sign bit counts. Scale 0x7f, a NaN or an
// infinite `decode` times 0 give NaN, the quiet one without sign; code 8 is -0.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/e2m1.h"
#include "nibble/numerics/floats.h"
#include "nibble/numerics/fp8.h"

namespace nibble::decode_nvfp4 {

struct Args {
  int64_t rows = 0, cols = 0;     // cols: a multiple of 16
  bool per_row = false;           // a factor for each row, else one
  const e2m1x2* codes = nullptr;  // [rows][cols / 2]
  const e4m3* scales = nullptr;   // [rows][cols / 16]
  const float* decode = nullptr;  // [per_row ? rows : 1]
  MutableFloats y;                // [rows][cols]
};

struct Op {
  using Args = decode_nvfp4::Args;
  static constexpr std::string_view name = "decode_nvfp4";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 2 * a.rows * a.cols,
            .bytes = a.rows * a.cols * bytes_of(a.y.type) + a.rows * a.cols / 16 * 9,
            .arithmetic = Arithmetic::none};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::decode_nvfp4
