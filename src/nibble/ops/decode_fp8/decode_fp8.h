// decode_fp8:  y[r][c] = element * scale
//
// e4m3 elements with the scales of op encode_fp8, floats or ue8m0 bytes. One rounding to float; for
// bf16 once more. Any float is a legal scale. NaNs are the quiet one without sign; -0 stays -0.
#pragma once
#include "nibble/base/op.h"
#include "nibble/ops/encode_fp8/encode_fp8.h"

namespace nibble::decode_fp8 {

using encode_fp8::Grid;
using encode_fp8::grid_of;
using encode_fp8::Tile;

struct Args {
  int64_t rows = 0, cols = 0;
  Tile tile = Tile::row;
  bool ue8m0_scales = false;
  const e4m3* codes = nullptr;          // [rows][cols]
  const float* scales = nullptr;        // [grid rows][grid cols], or absent for ue8m0
  const ue8m0* scales_ue8m0 = nullptr;  // the same for ue8m0
  MutableFloats y;                      // [rows][cols]
};

struct Op {
  using Args = decode_fp8::Args;
  static constexpr std::string_view name = "decode_fp8";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = a.rows * a.cols,
            .bytes = a.rows * a.cols * (bytes_of(a.y.type) + 1),
            .arithmetic = Arithmetic::none};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::decode_fp8
