// gemv_mxfp4_s8:  y[l][i][j] = w_scale[l][j] * x_scale[l][i] * sum_k w[l][j][k] * x[l][i][k]
//
// MXFP4 weights times 1 to 8 rows of int8, for a batch of such pairs on GPUs: what gemm_mxfp4_s8
// computes, from the same panels, PanelLayout{16, fp4, 32}, as runtime/packed.h makes them. Every
// scale byte is legal: 0 is 2^-127, and 0xff, NaN, makes NaN of its row. What stands in the padding
// of panels has no effect.
//
// The sum of a block is exact: S[b] = sum 2 * element * x. Blocks are added by t = fma(S[b],
// scale[b], t) in the order of cuda/tile/panel_plan.h, a unit of which is a block, and not in that
// of k, in which no two of a row could be added at the same time. y = (t * 0.5) * (w_scale *
// x_scale); every NaN is 0x7fc00000. Variants agree bit for bit.
#pragma once
#include "nibble/base/op.h"
#include "nibble/cuda/tile/panel_plan.h"
#include "nibble/numerics/panel_layout.h"

namespace nibble::gemv_mxfp4_s8 {

inline constexpr PanelLayout kLayout{16, PanelCodes::fp4, 32};

struct Args {
  int batch = 1;                   // at most 32767
  int64_t m = 0;                   // tokens, 1 to 8
  int n = 0, k = 0;                // rows of w, any; columns, a multiple of 32
  int64_t ldx = 0, ldy = 0;        // elements from one row to the next; >= k, >= n
  const uint8_t* w = nullptr;      // [batch] of kLayout.bytes(n, k), 64-byte aligned
  const float* w_scale = nullptr;  // [batch][n]
  const int8_t* x = nullptr;       // [batch][m][ldx]
  const float* x_scale = nullptr;  // [batch][m]
  float* y = nullptr;              // [batch][m][ldy]; columns n .. ldy are left alone
  float* partial = nullptr;        // [batch][cuda::tile::panel_partials(m, n)]
};

// One pair of the batch.
inline Args entry(Args a, int64_t l) {
  a.batch = 1;
  a.w += l * kLayout.bytes(a.n, a.k), a.w_scale += l * a.n;
  a.x += l * a.m * a.ldx, a.x_scale += l * a.m, a.y += l * a.m * a.ldy;
  return a;
}

struct Op {
  using Args = gemv_mxfp4_s8::Args;
  static constexpr std::string_view name = "gemv_mxfp4_s8";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&);
  static Work work(const Args& a) {
    return {.ops = 2 * a.batch * a.m * a.n * a.k,
            .bytes = a.batch * (kLayout.bytes(a.n, a.k) + a.m * a.k + 4 * (a.m * a.n + a.m + a.n)),
            .arithmetic = Arithmetic::int8};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::gemv_mxfp4_s8
