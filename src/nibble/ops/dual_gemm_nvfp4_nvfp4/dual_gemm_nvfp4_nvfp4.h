// dual_gemm_nvfp4_nvfp4:  y[i][j] = silu(g) * u,  silu(g) = g / (1 + exp(-g))
//   g = sum_k gate[j][k] * x[i][k],  u = sum_k up[j][k] * x[i][k], times their factors
//
// The first half of a gated feed-forward layer in one pass over its tokens: gate, up and x in
// NVFP4, y in float. Nothing of g and u is written to memory.
//
// Both matrices lie in panels of 16 rows, PanelLayout{16, fp4, 16}, x as for gemm_nvfp4_nvfp4, and
// g and u are what that op computes, bit for bit: y = (g * sigmoid(g)) * u with sigmoid of
// numerics/elementary.h. A NaN is 0x7fc00000; g = -inf is one.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/e2m1.h"
#include "nibble/numerics/fp8.h"
#include "nibble/numerics/panel_layout.h"

namespace nibble::dual_gemm_nvfp4_nvfp4 {

inline constexpr PanelLayout kLayout{16, PanelCodes::fp4, 16};

struct Args {
  int64_t m = 0;                      // tokens, >= 1
  int n = 0, k = 0;                   // rows of gate and of up, any; columns, a multiple of 16
  int64_t ldx = 0, ldy = 0;           // elements from one row to the next; >= k and even; >= n
  const uint8_t* gate = nullptr;      // kLayout.bytes(n, k), 64-byte aligned
  const uint8_t* up = nullptr;        // the same
  const float* gate_scale = nullptr;  // [n]: of each row, its tensor's or its part's
  const float* up_scale = nullptr;    // [n]
  const e2m1x2* x = nullptr;          // [m][ldx / 2]
  const e4m3* x_blocks = nullptr;     // [m][k / 16]
  const float* x_scale = nullptr;     // [m]
  float* y = nullptr;                 // [m][ldy]; columns n .. ldy are left alone
  float* token_scale = nullptr;       // workspace [m]: x_scale, or NaN if a block's scale is
  uint8_t* workspace = nullptr;       // workspace_bytes(m, k): x in the order it is read
};

// A block of 16, its int32 sum and its factor. k % 16 == 0
constexpr int64_t workspace_bytes(int64_t m, int64_t k) { return m * (k / 16) * 24; }

struct Op {
  using Args = dual_gemm_nvfp4_nvfp4::Args;
  static constexpr std::string_view name = "dual_gemm_nvfp4_nvfp4";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);  // sigmoid in double
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&);  // of silu; reads the factors
  static Work work(const Args& a) {
    return {
        .ops = 4 * a.m * a.n * a.k,
        .bytes = 2 * kLayout.bytes(a.n, a.k) + a.m * a.k / 16 * 9 + 4 * (a.m * a.n + a.m + 2 * a.n),
        .arithmetic = Arithmetic::int8};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::dual_gemm_nvfp4_nvfp4
