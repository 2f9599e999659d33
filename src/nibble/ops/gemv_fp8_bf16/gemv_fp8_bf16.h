// gemv_fp8_bf16:  y[l][i][j] = sum_k w[l][j][k] x[l][i][k] * factors
//
// e4m3 weights times 1 to 8 rows of bf16, for a batch of such pairs on GPUs: what gemm_fp8_bf16
// computes, from the same panels of 16 rows, one byte an element, and with the same factors: of
// each weight row (of a tensor: repeated), or of each tile of 128 x 128 weights; ue8m0 factors come
// as floats. Columns of the padding are zeros, as the packer makes them. Codes 0x7f and 0xff are
// NaN and make y[l][.][j] NaN.
//
// Products are exact. A unit of 16 columns is added up from 0 in the order of k, an fma each; the
// units by t = fma(unit, tile factor or 1, t) in the order of cuda/tile/panel_plan.h; then one
// product with the row's factor. Every NaN is 0x7fc00000. Variants agree bit for bit. Unlike the
// CPU's op, whose sums are one chain for all of K, activations of any size count.
#pragma once
#include "nibble/base/op.h"
#include "nibble/cpu/fp8_panels.h"
#include "nibble/cuda/tile/panel_plan.h"

namespace nibble::gemv_fp8_bf16 {

using Factors = cpu::Fp8Factors;
inline constexpr PanelLayout kLayout = cpu::kFp8Layout;
inline constexpr int kUnit = 16;

struct Args {
  int batch = 1;             // at most 32767
  int64_t m = 0;             // tokens, 1 to 8
  int n = 0, k = 0;          // any
  int64_t ldx = 0, ldy = 0;  // elements from one row to the next
  Factors w_factors = Factors::rows;
  const uint8_t* w = nullptr;      // [batch] of kLayout.bytes(n, k), 64-byte aligned
  const float* w_scale = nullptr;  // [batch] of [n] or [ceil(n / 128)][ceil(k / 128)], or null
  const bf16* x = nullptr;         // [batch][m][ldx]
  float* y = nullptr;              // [batch][m][ldy]; columns n..ldy are left alone
  float* partial = nullptr;        // [batch][cuda::tile::panel_partials(m, n)]
};

inline int64_t factors(const Args& a) {
  return cpu::fp8_factors(a.w_factors, a.n, cpu::kFp8Block, a.k);
}

// One pair of the batch.
inline Args entry(Args a, int64_t l) {
  a.batch = 1;
  a.w += l * kLayout.bytes(a.n, a.k);
  if (a.w_scale) a.w_scale += l * factors(a);
  a.x += l * a.m * a.ldx, a.y += l * a.m * a.ldy;
  return a;
}

struct Op {
  using Args = gemv_fp8_bf16::Args;
  static constexpr std::string_view name = "gemv_fp8_bf16";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&);
  static Work work(const Args& a) {
    return {.ops = 2 * a.batch * a.m * a.n * a.k,
            .bytes = a.batch * (kLayout.bytes(a.n, a.k) + 2 * a.m * a.k + 4 * a.m * a.n),
            .arithmetic = Arithmetic::fp32};
  }
};
static_assert(OpContract<Op>);

// The factor of column k of row j but for the row's, 1 if there is none.
inline float tile_factor(const Args& a, int64_t j, int64_t k) {
  if (a.w_factors != Factors::blocks) return 1;
  return a.w_scale[j / cpu::kFp8Block * cpu::fp8_blocks(a.k) + k / cpu::kFp8Block];
}
inline float row_factor(const Args& a, int64_t j) {
  return a.w_factors == Factors::rows ? a.w_scale[j] : 1;
}
// Weights of a row, `to` having room for a.k of them.
inline void decode_row(const Args& a, int64_t j, float* to) {
  const uint8_t* panel = a.w + j / kLayout.rows * kLayout.panel_bytes(a.k);
  for (int k = 0; k < a.k; ++k)
    to[k] = to_float(e4m3{panel[int64_t(k / kLayout.tile_k()) * kLayout.tile_bytes() +
                                kLayout.code_offset(int(j % kLayout.rows), k % kLayout.tile_k())]});
}

}  // namespace nibble::gemv_fp8_bf16
