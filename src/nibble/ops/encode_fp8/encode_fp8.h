// encode_fp8:  x[r][c]  ->  codes[r][c] e4m3,  one scale for a tensor, a row, 1 x 128 or 128 x 128
//
// scale by numerics/fp8_scale.h from the greatest magnitude of its tile, code = x / scale to
// nearest, ties to even, saturated at +-448. Scales are floats (exact, or rounded to bf16) or ue8m0
// bytes, as `scale` says; one of the two arrays is there. For a tensor, amax is given, as op
// magnitudes finds it or greater; else it is found here.
//
// Zeros keep their sign; a tile of zeros has a scale that is not 0. A NaN makes its tile's scale
// NaN and all its codes 0x7f. An infinity makes a float scale infinite, its own code 0x7f and all
// others 0; with ue8m0 the scale is 2^127 and its code +-448.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/floats.h"
#include "nibble/numerics/fp8_scale.h"

namespace nibble::encode_fp8 {

// The elements that share a scale: all, 1 x cols, 1 x 128 or 128 x 128. Tiles at the edges are
// smaller where a side does not divide.
enum class Tile : uint8_t { tensor, row, row_128, square_128 };

struct Grid {
  int64_t rows = 0, cols = 0;            // of scales
  int64_t tile_rows = 0, tile_cols = 0;  // of elements
};
NIBBLE_HD constexpr Grid grid_of(Tile tile, int64_t rows, int64_t cols) {
  const int64_t r = tile == Tile::tensor ? rows : tile == Tile::square_128 ? 128 : 1;
  const int64_t c = tile == Tile::tensor || tile == Tile::row ? cols : 128;
  return {(rows + r - 1) / r, (cols + c - 1) / c, r, c};
}

struct Args {
  int64_t rows = 0, cols = 0;
  Tile tile = Tile::row;
  Fp8Scale scale = Fp8Scale::f32;
  Floats x;                       // [rows][cols]
  const float* amax = nullptr;    // [1] for Tile::tensor, else absent
  e4m3* codes = nullptr;          // [rows][cols]
  float* scales = nullptr;        // [grid rows][grid cols], or absent for ue8m0
  ue8m0* scales_ue8m0 = nullptr;  // the same for ue8m0
};

struct Op {
  using Args = encode_fp8::Args;
  static constexpr std::string_view name = "encode_fp8";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 3 * a.rows * a.cols,
            .bytes = a.rows * a.cols * (bytes_of(a.x.type) + 1),
            .arithmetic = Arithmetic::fp32};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::encode_fp8
