// gemm_fp16_runs:  y[i][j] = sum_k w[j][k] * x[i][k]        w, x fp16, y f32, sums of runs in fp16
//
// gemm_fp16 for processors that multiply halves at twice the rate of floats, for those who take its
// error: the panels of w are the same. Each 32 columns are a run, which is one chain of fp16 fma
// from +0 in the order of k; its sum is added to y's, a float, in the order of runs. The same bits
// in every variant, for every m and for every number of threads.
//
// Roundings by 2^-12 of partial sums of a run: with operands of random signs the relative L2 error
// is about sqrt(32 / 24) 2^-11 = 6e-4. A partial sum that passes 65504 is infinite, so keep the
// sum of |w x| of every run below it: |x| < 2047 / max |w|. Subnormals count in full.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/dense_panel.h"

namespace nibble::gemm_fp16_runs {

inline constexpr DensePanel kLayout = kDensePanelOf<fp16>;
inline constexpr int kRun = 32;

struct Args {
  using Element = fp16;
  int64_t m = 0;                 // rows of x and y: tokens
  int n = 0, k = 0;              // weight rows (outputs) and columns, any
  int64_t ldx = 0, ldy = 0;      // elements from one row to the next, >= k and >= n
  const fp16* w = nullptr;       // kLayout.elements(n, k), 64-byte aligned, from pack_dense()
  const fp16* x = nullptr;       // [m][ldx]
  float* y = nullptr;            // [m][ldy]; columns n..ldy are left alone
  uint8_t* workspace = nullptr;  // dense_workspace_bytes(m, k, kLayout), 64-byte aligned
};

struct Op {
  using Args = gemm_fp16_runs::Args;
  static constexpr std::string_view name = "gemm_fp16_runs";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  // Of operands in [-1, 1] with random signs: k roundings by 2^-12 of sums that stay below
  // sqrt(kRun), independent of each other, six times their spread.
  static Tolerance tolerance(const Args& a) { return {.abs = 6 * root(a.k * kRun / 3) * 0x1p-12}; }
  static Work work(const Args& a) {
    return {
        .ops = 2 * a.m * a.n * a.k,
        .bytes = int64_t(sizeof(fp16)) * (kLayout.elements(a.n, a.k) + a.m * a.k) + 4 * a.m * a.n,
        .arithmetic = Arithmetic::fp16};
  }

 private:
  static constexpr double root(double v) {
    double r = v < 1 ? 1 : v;
    for (int i = 0; i < 64; ++i) r = (r + v / r) / 2;
    return r;
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::gemm_fp16_runs
