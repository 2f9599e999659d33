// gemm_nvfp4_nvfp4:  y[l][i][j] = w_scale[l][j] * x_scale[l][i] * sum_k w[l][j][k] x[l][i][k]
//
// Weights and activations in NVFP4: e2m1 codes, 16 along a row with an e4m3 scale, and a float for
// each row. w is in panels of 16 rows (numerics/panel_layout.h), x as encoders and checkpoints have
// it. m = 1 is the product with a vector. A batch is of pairs of a matrix and its tokens.
//
// A block's sum S = sum of 2 e2m1 * 2 e2m1 over 16 columns is an integer, |S| <= 16 * 144 = 2304.
// The product of two e4m3 scales has 8 bits and is exact, and so is S times it. Then, one rounding
// an operation:
//
//   acc = fma(float(S), ws * xs, acc)        for the blocks of a row in order
//   y   = ((acc * 0.25) * w_scale[j]) * x_scale[i]
//
// in every variant, so all agree bit for bit.
//
// Every scale byte is legal: the sign counts, subnormals are numbers, and 0x7f and 0xff are NaN,
// which makes NaN of the results of their row or token and of no other. NaNs are the quiet one
// without sign.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/e2m1.h"
#include "nibble/numerics/fp8.h"
#include "nibble/numerics/panel_layout.h"

namespace nibble::gemm_nvfp4_nvfp4 {

inline constexpr PanelLayout kPanels{16, PanelCodes::fp4, 16};
inline constexpr int kBlock = 16;

// Columns of the tiles that hold k.
constexpr int64_t padded_k(int k) { return kPanels.tiles(k) * kPanels.tile_k(); }

struct Args {
  int batch = 1;                   // pairs of a matrix and its tokens, >= 1
  int64_t m = 0;                   // activation rows, >= 1
  int n = 0, k = 0;                // weight rows, >= 1; columns, a multiple of 16
  int64_t ldx = 0, ldy = 0;        // elements from one row to the next: >= k and even; >= n
  const uint8_t* w = nullptr;      // [batch] of kPanels.bytes(n, k), 64-byte aligned
  const float* w_scale = nullptr;  // [batch][n]
  const e2m1x2* x = nullptr;       // [batch][m][ldx / 2]
  const e4m3* x_blocks = nullptr;  // [batch][m][k / 16]
  const float* x_scale = nullptr;  // [batch][m]
  float* y = nullptr;              // [batch][m][ldy]; columns n..ldy are left alone
  int8_t* packed_x = nullptr;      // workspace [m][padded_k(k)], 64-byte aligned
  int32_t* block_sums = nullptr;   // workspace [m][padded_k(k) / 16], 64-byte aligned
  float* block_scales = nullptr;   // workspace [m][padded_k(k) / 16], 64-byte aligned
};

// One pair of the batch; the workspaces are of one at a time.
[[gnu::always_inline]] inline Args entry(Args a, int64_t l) {
  a.batch = 1;
  a.w += l * kPanels.bytes(a.n, a.k), a.w_scale += l * a.n;
  a.x += l * a.m * a.ldx / 2, a.x_blocks += l * a.m * a.k / kBlock, a.x_scale += l * a.m;
  a.y += l * a.m * a.ldy;
  return a;
}

struct Op {
  using Args = gemm_nvfp4_nvfp4::Args;
  static constexpr std::string_view name = "gemm_nvfp4_nvfp4";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  // What so many roundings of sums can come to: from the magnitudes of the inputs.
  static Tolerance tolerance(const Args&);
  static Work work(const Args& a) {
    return {.ops = 2 * a.batch * a.m * a.n * a.k,
            .bytes = a.batch *
                     (kPanels.bytes(a.n, a.k) + 4 * a.n + a.m * (a.k / 16 * 9 + 4) + 4 * a.m * a.n),
            .arithmetic = Arithmetic::int8};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::gemm_nvfp4_nvfp4
