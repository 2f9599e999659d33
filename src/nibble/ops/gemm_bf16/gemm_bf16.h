// gemm_bf16:  y[i][j] = sum_k w[j][k] * x[i][k]        w, x bf16, y f32
//
// A linear layer in bf16: GEMV for one token, GEMM for many. w is packed once by pack() in panels
// of 32 rows, two neighbours in k side by side (numerics/dense_panel.h); x and y are row-major.
//
// A sum is one chain of fma in FP32 from +0, pair of k after pair and the odd k of a pair first: 1,
// 0, 3, 2, ... Products are exact in FP32. That is what vdpbf16ps computes, so variants agree bit
// for bit, with one exception: where a product's or a sum's magnitude falls below 2^-126 on the
// way, vdpbf16ps continues with 0. Subnormal weights and activations count as zeros of their sign
// in every variant. Infinities and NaN spread to the sums that they are part of.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/dense_panel.h"

namespace nibble::gemm_bf16 {

inline constexpr DensePanel kLayout = kDensePanelOf<bf16>;

struct Args {
  using Element = bf16;
  int64_t m = 0;                 // rows of x and y: tokens
  int n = 0, k = 0;              // weight rows (outputs) and columns, any
  int64_t ldx = 0, ldy = 0;      // elements from one row to the next, >= k and >= n
  const bf16* w = nullptr;       // kLayout.elements(n, k), 64-byte aligned, from pack()
  const bf16* x = nullptr;       // [m][ldx]
  float* y = nullptr;            // [m][ldy]; columns n..ldy are left alone
  uint8_t* workspace = nullptr;  // dense_workspace_bytes(m, k, kLayout), 64-byte aligned
};

// w from rows w[n][ldw], ldw >= k.
inline void pack(const bf16* w, int64_t ldw, int n, int k, bf16* packed) {
  pack_dense(w, ldw, n, k, packed);
}

struct Op {
  using Args = gemm_bf16::Args;
  static constexpr std::string_view name = "gemm_bf16";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args& a) { return {.abs = dense_chain_error(a.k)}; }
  static Work work(const Args& a) {
    return {
        .ops = 2 * a.m * a.n * a.k,
        .bytes = int64_t(sizeof(bf16)) * (kLayout.elements(a.n, a.k) + a.m * a.k) + 4 * a.m * a.n,
        .arithmetic = Arithmetic::bf16};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::gemm_bf16
