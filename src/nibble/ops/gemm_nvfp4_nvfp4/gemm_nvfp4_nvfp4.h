// gemm_nvfp4_nvfp4:  y[i][j] = w_scale[j] * x_scale[i] * sum_k w[j][k] x[i][k]
//
// Weights and activations in NVFP4: e2m1 codes, 16 along a row with an e4m3 scale, and a float for
// each row. w is in panels of 16 rows (numerics/panel_layout.h), x as encoders and checkpoints have
// it. m = 1 is the product with a vector.
//
// A block's sum S = sum of 2 e2m1 * 2 e2m1 over 16 columns is an integer, |S| <= 16 * 144 = 2304.
// The product of two e4m3 scales has 8 bits and is exact, and so is S times it. Then, one rounding
// an operation:
//
//   acc = fma(float(S), ws * xs, acc)        for the blocks of a row in order
//   y   = (acc * 0.25) * (w_scale[j] * x_scale[i])
//
// in every variant, so all agree bit for bit.
//
// Every scale byte is legal: the sign counts, subnormals are numbers, and 0x7f and 0xff are NaN,
// which makes NaN of the results of their row or token and of no other. NaNs are 0x7fc00000.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/e2m1.h"
#include "nibble/numerics/fp8.h"
#include "nibble/numerics/panel_layout.h"

namespace nibble::gemm_nvfp4_nvfp4 {

inline constexpr PanelLayout kLayout{16, PanelCodes::fp4, 16};

struct Args {
  int64_t m = 0;                   // activation rows, >= 1
  int n = 0, k = 0;                // weight rows, >= 1; columns, a multiple of 16
  int64_t ldx = 0, ldy = 0;        // elements from one row to the next: >= k and even; >= n
  const uint8_t* w = nullptr;      // kLayout.bytes(n, k), 64-byte aligned
  const float* w_scale = nullptr;  // [n]
  const e2m1x2* x = nullptr;       // [m][ldx / 2]
  const e4m3* x_blocks = nullptr;  // [m][k / 16]
  const float* x_scale = nullptr;  // [m]
  float* y = nullptr;              // [m][ldy]; columns n..ldy are left alone
  float* token_scale = nullptr;    // workspace [m]: x_scale, or NaN if a block's scale is
  uint8_t* workspace = nullptr;    // workspace_bytes(m, k): x in the order it is read
};

// A block of 16, its int32 sum and its factor. k % 16 == 0
constexpr int64_t workspace_bytes(int64_t m, int64_t k) { return m * (k / 16) * 24; }

struct Op {
  using Args = gemm_nvfp4_nvfp4::Args;
  static constexpr std::string_view name = "gemm_nvfp4_nvfp4";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 2 * a.m * a.n * a.k,
            .bytes = kLayout.bytes(a.n, a.k) + 4 * a.n + a.m * (a.k / 16 * 9 + 4) + 4 * a.m * a.n,
            .arithmetic = Arithmetic::int8};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::gemm_nvfp4_nvfp4
