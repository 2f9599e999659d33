// dual_gemm_fp16:  y[i][j] = silu(g) * u,  silu(g) = g / (1 + exp(-g))
//   g = sum_k gate[j][k] * x[i][k],  u = sum_k up[j][k] * x[i][k]        gate, up, x fp16, y f32
//
// The first half of a gated feed-forward layer with whole weights, in one pass over its tokens.
//
// Both matrices lie in panels of 32 rows, as gemm_fp16's pack() makes them. g and u are what that
// op computes, bit for bit: y = (g * sigmoid(g)) * u with sigmoid of numerics/elementary.h. A NaN
// is 0x7fc00000; g = -inf is one.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/dense_panel.h"

namespace nibble::dual_gemm_fp16 {

inline constexpr DensePanel kLayout = kDensePanelOf<fp16>;

struct Args {
  using Element = fp16;
  int64_t m = 0;                 // rows of x and y: tokens
  int n = 0, k = 0;              // rows of gate and of up (outputs) and columns, any
  int64_t ldx = 0, ldy = 0;      // elements from one row to the next, >= k and >= n
  const fp16* gate = nullptr;    // kLayout.elements(n, k), 64-byte aligned, from pack_dense()
  const fp16* up = nullptr;      // the same
  const fp16* x = nullptr;       // [m][ldx]
  float* y = nullptr;            // [m][ldy]; columns n..ldy are left alone
  uint8_t* workspace = nullptr;  // dense_workspace_bytes(m, k, kLayout), 64-byte aligned
};

struct Op {
  using Args = dual_gemm_fp16::Args;
  static constexpr std::string_view name = "dual_gemm_fp16";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&);
  static Work work(const Args& a) {
    return {.ops = 4 * a.m * a.n * a.k,
            .bytes = int64_t(sizeof(fp16)) * (2 * kLayout.elements(a.n, a.k) + a.m * a.k) +
                     4 * a.m * a.n,
            .arithmetic = Arithmetic::fp16};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::dual_gemm_fp16
