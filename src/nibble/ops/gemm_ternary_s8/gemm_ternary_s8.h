// gemm_ternary_s8:  y[l][i][j] = (float(sum_k w[l][j][k] x[l][i][k]) * w_scale[l][j])
//                                * x_scale[l][i]
//
// Weights -1, 0, +1 with a factor a row (of a tensor: repeated), int8 activations with a factor a
// token. The sum is exact, then there are three roundings to float, in this order: variants agree
// bit for bit, whatever the ISA and the number of threads.
//
// Weights are panels of 16 rows (numerics/panel_layout.h): 64 columns a tile, two bits an element,
// 16 neighbouring columns of a row in a dword, code w + 1. Code 3, which is never written, counts
// as 2. Every int8 is an activation. What stands in the padding of panels has no effect.
//
// |sum| <= 256 k < 2^31. Where codes are multiplied in their places, times 64 the highest, a sum is
// at most 3 * 64 * 128 k / 4 < 2^31 for k <= kMaxK.
#pragma once
#include "nibble/base/op.h"
#include "nibble/cpu/s8_panels.h"
#include "nibble/cuda/tile/panel_plan.h"

namespace nibble::gemm_ternary_s8 {

inline constexpr PanelLayout kLayout{16, PanelCodes::two_bit, 0};
inline constexpr int kMaxK = 1 << 18;

// On the CPU of activations, copied in the order kernels read them, for one pair of the batch after
// the other; on a GPU of sums, where K is split between blocks.
constexpr int64_t scratch_bytes(int64_t m, int64_t n, int64_t k, int64_t batch = 1) {
  return std::max(cpu::s8_scratch_bytes(m, k, false), 4 * batch * cuda::tile::panel_partials(m, n));
}

struct Args {
  int batch = 1;                   // pairs of a matrix and its tokens, at most 32767
  int64_t m = 0;                   // rows of x and y, any
  int n = 0, k = 0;                // any n; 1 <= k <= kMaxK
  int64_t ldx = 0, ldy = 0;        // elements from one row to the next
  const uint8_t* w = nullptr;      // [batch] of kLayout.bytes(n, k), 64-byte aligned
  const float* w_scale = nullptr;  // [batch][n]
  const int8_t* x = nullptr;       // [batch][m][ldx]
  const float* x_scale = nullptr;  // [batch][m]
  float* y = nullptr;              // [batch][m][ldy]; columns n..ldy are left alone
  uint8_t* scratch = nullptr;      // scratch_bytes(m, n, k, batch), 64-byte aligned
};

// One pair of the batch.
[[gnu::always_inline]] inline Args entry(Args a, int64_t l) {
  a.batch = 1;
  a.w += l * kLayout.bytes(a.n, a.k), a.w_scale += l * a.n;
  a.x += l * a.m * a.ldx, a.x_scale += l * a.m, a.y += l * a.m * a.ldy;
  return a;
}

struct Op {
  using Args = gemm_ternary_s8::Args;
  static constexpr std::string_view name = "gemm_ternary_s8";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 2 * a.batch * a.m * a.n * a.k,
            .bytes = a.batch * (kLayout.bytes(a.n, a.k) + a.m * a.k + 4 * (a.m * a.n + a.m + a.n)),
            .arithmetic = Arithmetic::int8};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::gemm_ternary_s8
