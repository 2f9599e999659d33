// gemm_mxfp4_e4m3:  y[i][j] = w_scale[j] * sum_k w[j][k] x[i][k]
//
// w is MXFP4 in panels of 16 rows (numerics/panel_layout.h): e2m1 codes, 32 along a row with a
// ue8m0 scale. x is e4m3 with ue8m0 scales of x_block columns: 32 is MXFP8, and 128 is what
// DeepSeek's models were trained with (FP8 activations and MXFP4 experts). m = 1 is the product
// with a vector.
//
// The products of a block are exact; sums are float, in the order of cpu/fp4_chains.h:
//
//   chain = chain + e2m1 * e4m3      16 columns: 2 0 3 1 6 4 7 5, 10 8 11 9 14 12 15 13; from zero
//   acc   = fma(chain + next chain, ws * xs, acc)    for the blocks of a row in order
//   y     = acc * w_scale[j]
//
// in every variant, so all agree bit for bit. ws * xs is the product as a float: 2^(a + b - 254),
// or what a float has instead where that is beyond its range.
//
// Every scale byte is legal: 0x00 is 2^-127 and 0xff is NaN. A NaN among the scales of w makes NaN
// of the row's results, a NaN code or scale of x of the token's; other results are what they are
// without it. NaNs are the quiet one without sign.
#pragma once
#include "nibble/base/op.h"
#include "nibble/cpu/fp4_chains.h"
#include "nibble/numerics/fp8.h"
#include "nibble/numerics/panel_layout.h"

namespace nibble::gemm_mxfp4_e4m3 {

inline constexpr PanelLayout kPanels{16, PanelCodes::fp4, 32};
inline constexpr int kBlock = 32;

// Columns of the tiles that hold k.
constexpr int64_t padded_k(int k) { return kPanels.tiles(k) * kPanels.tile_k(); }

struct Args {
  int64_t m = 0;                   // activation rows, >= 1
  int n = 0, k = 0;                // weight rows, >= 1; columns, a multiple of 32
  int64_t ldx = 0, ldy = 0;        // elements from one row to the next, >= k and >= n
  int x_block = 32;                // columns of a scale of x, a multiple of 32
  const uint8_t* w = nullptr;      // kPanels.bytes(n, k), 64-byte aligned
  const float* w_scale = nullptr;  // [n]
  const e4m3* x = nullptr;         // [m][ldx]
  const ue8m0* x_scale = nullptr;  // [m][x_scales()]
  float* y = nullptr;              // [m][ldy]; columns n..ldy are left alone
  float* packed_x = nullptr;       // workspace [m][padded_k(k)], 64-byte aligned
  float* x_blocks = nullptr;       // workspace [m][padded_k(k) / 32], 64-byte aligned

  int64_t x_scales() const { return (k + x_block - 1) / x_block; }  // of a row
};

struct Op {
  using Args = gemm_mxfp4_e4m3::Args;
  static constexpr std::string_view name = "gemm_mxfp4_e4m3";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  // What so many roundings of sums can come to: from the magnitudes of the inputs.
  static Tolerance tolerance(const Args&);
  static Work work(const Args& a) {
    return {.ops = 2 * a.m * a.n * a.k,
            .bytes = kPanels.bytes(a.n, a.k) + 4 * a.n + a.m * (a.k + a.x_scales()) + 4 * a.m * a.n,
            .arithmetic = Arithmetic::bf16};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::gemm_mxfp4_e4m3
