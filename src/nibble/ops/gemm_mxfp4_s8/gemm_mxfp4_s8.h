// gemm_mxfp4_s8:  y[i][j] = w_scale[j] * x_scale[i] * sum_k w[j][k] * x[i][k]
//
// w in MXFP4, x in int8, y in float. One op for one token, for a few and for many.
//
// w lies in panels of 16 rows, PanelLayout{16, fp4, 32}, as runtime/packed.h makes them: padded to
// whole panels and tiles with bytes that do not matter. Every scale byte is legal: 0 is
// 2^-127, and 0xff, NaN, makes NaN of its row. Sums overflow to infinity and become subnormal as
// floats do. -128 is legal in x.
//
// The sum of a block is exact; blocks are added in the order of k, one rounding each, as
// numerics/fp4_sums.h has it: variants agree bit for bit with the reference and each other, and a
// token's results do not depend on the tokens beside it.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/panel_layout.h"

namespace nibble::gemm_mxfp4_s8 {

inline constexpr PanelLayout kLayout{16, PanelCodes::fp4, 32};

struct Args {
  int64_t m = 0;                   // tokens, >= 1
  int n = 0, k = 0;                // rows of w, any; columns, a multiple of 32
  int64_t ldx = 0, ldy = 0;        // elements from one row to the next; >= k, >= n
  const uint8_t* w = nullptr;      // kLayout.bytes(n, k), 64-byte aligned
  const float* w_scale = nullptr;  // [n]: of each row of w, its tensor's or its part's
  const int8_t* x = nullptr;       // [m][ldx]
  const float* x_scale = nullptr;  // [m]
  float* y = nullptr;              // [m][ldy]; columns n .. ldy are left alone
  uint8_t* workspace = nullptr;    // workspace_bytes(m, k): x in the order it is read
};

// A block of 32 and its int32 sum. k % 32 == 0
constexpr int64_t workspace_bytes(int64_t m, int64_t k) { return m * (k / 32) * 36; }

struct Op {
  using Args = gemm_mxfp4_s8::Args;
  static constexpr std::string_view name = "gemm_mxfp4_s8";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 2 * a.m * a.n * a.k,
            .bytes = kLayout.bytes(a.n, a.k) + a.m * a.k + 4 * (a.m * a.n + a.m + a.n),
            .arithmetic = Arithmetic::int8};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::gemm_mxfp4_s8
