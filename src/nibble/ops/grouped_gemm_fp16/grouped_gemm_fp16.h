// grouped_gemm_fp16:  y[i][j] = sum_k w[g][j][k] * x[i][k]        w, x fp16, y f32
//   for the group g whose tokens, offsets[g] <= i < offsets[g + 1], i is among
//
// The products of experts with whole weights: tokens sorted by expert, each with its own matrix.
// Groups may be empty and of any sizes.
//
// The matrices lie in panels of 32 rows, as gemm_fp16's pack() makes them, and a group's results
// are what that op computes, bit for bit.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/dense_panel.h"

namespace nibble::grouped_gemm_fp16 {

inline constexpr DensePanel kLayout = kDensePanelOf<fp16>;

struct Args {
  using Element = fp16;
  int groups = 0;                    // >= 1
  int64_t m = 0;                     // tokens of all groups, >= 1
  int n = 0, k = 0;                  // of a matrix, any
  int64_t ldx = 0, ldy = 0;          // elements from one row to the next, >= k and >= n
  int64_t w_stride = 0;              // elements from one matrix to the next: a multiple of 32
  const int64_t* offsets = nullptr;  // [groups + 1], 0 <= ... <= m; see check_offsets()
  const fp16* w = nullptr;           // [groups] of kLayout.elements(n, k), packed; 64-byte aligned
  const fp16* x = nullptr;           // [m][ldx]
  float* y = nullptr;                // [m][ldy]; columns n..ldy are left alone
  uint8_t* workspace = nullptr;      // m * dense_row_bytes(k, kLayout), 64-byte aligned
};

// Whether offsets begin with 0, never fall and end with m. check() is asked of shapes and does not
// read them; whoever has them from elsewhere asks here.
Status check_offsets(const Args&);

struct Op {
  using Args = grouped_gemm_fp16::Args;
  static constexpr std::string_view name = "grouped_gemm_fp16";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args& a) { return {.abs = dense_chain_error(a.k)}; }
  static Work work(const Args&);  // reads the matrices of groups that have tokens
};
static_assert(OpContract<Op>);

}  // namespace nibble::grouped_gemm_fp16
