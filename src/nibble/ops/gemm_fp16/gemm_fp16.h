// gemm_fp16:  y[i][j] = sum_k w[j][k] * x[i][k]        w, x fp16, y f32
//
// A linear layer in fp16: GEMV for one token, GEMM for many. w is packed once by pack() in panels
// of 32 rows (numerics/dense_panel.h); x and y are row-major.
//
// Operands are widened to FP32, exactly, subnormal ones too; products of 22 bits are exact. A sum
// is one chain of fma from +0, k = 0, 1, 2, ...: the same bits in every variant, for every m and
// for every number of threads. Infinities and NaN spread to the sums that they are part of.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/dense_panel.h"

namespace nibble::gemm_fp16 {

inline constexpr DensePanel kLayout = kDensePanelOf<fp16>;

struct Args {
  using Element = fp16;
  int64_t m = 0;                 // rows of x and y: tokens
  int n = 0, k = 0;              // weight rows (outputs) and columns, any
  int64_t ldx = 0, ldy = 0;      // elements from one row to the next, >= k and >= n
  const fp16* w = nullptr;       // kLayout.elements(n, k), 64-byte aligned, from pack()
  const fp16* x = nullptr;       // [m][ldx]
  float* y = nullptr;            // [m][ldy]; columns n..ldy are left alone
  uint8_t* workspace = nullptr;  // dense_workspace_bytes(m, k, kLayout), 64-byte aligned
};

// w from rows w[n][ldw], ldw >= k.
inline void pack(const fp16* w, int64_t ldw, int n, int k, fp16* packed) {
  pack_dense(w, ldw, n, k, packed);
}

struct Op {
  using Args = gemm_fp16::Args;
  static constexpr std::string_view name = "gemm_fp16";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args& a) { return {.abs = dense_chain_error(a.k)}; }
  static Work work(const Args& a) {
    return {
        .ops = 2 * a.m * a.n * a.k,
        .bytes = int64_t(sizeof(fp16)) * (kLayout.elements(a.n, a.k) + a.m * a.k) + 4 * a.m * a.n,
        .arithmetic = Arithmetic::fp16};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::gemm_fp16
