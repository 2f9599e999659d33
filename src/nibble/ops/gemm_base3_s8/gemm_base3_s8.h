// gemm_base3_s8:  y[l][i][j] = (float(sum_k w[l][j][k] x[l][i][k]) * w_scale[l][j])
//                              * x_scale[l][i]
//
// gemm_ternary_s8 of weights that take 1.6 bits and not two: -1, 0, +1 with a factor a row (of a
// tensor: repeated), int8 activations with a factor a token. The sum is exact, then there are three
// roundings to float, in this order: variants agree bit for bit with one another and with
// gemm_ternary_s8, whatever the ISA and the number of threads.
//
// Weights are panels of 16 rows of bytes as checkpoints have them (numerics/base3_panel.h), five
// weights in each. A byte that no weights pack to is the weights that base3_at() makes of it. Every
// int8 is an activation. What stands in the padding of panels has no effect.
//
// Kernels multiply digits w + 1, at most 2: |sum| <= 256 k < 2^31. Where digits are multiplied in
// their places, times 64 the highest, a sum is at most 2 * 64 * 128 k / 5 < 2^30 for k <= kMaxK.
#pragma once
#include "nibble/base/op.h"
#include "nibble/cpu/s8_panels.h"
#include "nibble/numerics/base3_panel.h"

namespace nibble::gemm_base3_s8 {

inline constexpr Base3Panel kLayout{16};
inline constexpr int kMaxK = 1 << 18;

// Activations in the order in which digits come: columns in pairs of tiles.
constexpr int64_t ordered_k(int64_t k) { return (k + 79) / 80 * 80; }
constexpr int64_t ordered_bytes(int64_t m, int64_t k) { return (m * ordered_k(k) + 63) / 64 * 64; }
// And those copied again as kernels read them. For one pair of the batch after the other.
constexpr int64_t scratch_bytes(int64_t m, int64_t k) {
  return ordered_bytes(m, k) + cpu::s8_scratch_bytes(m, ordered_k(k), false);
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
  uint8_t* scratch = nullptr;      // scratch_bytes(m, k), 64-byte aligned
};

// One pair of the batch.
[[gnu::always_inline]] inline Args entry(Args a, int64_t l) {
  a.batch = 1;
  a.w += l * kLayout.bytes(a.n, a.k), a.w_scale += l * a.n;
  a.x += l * a.m * a.ldx, a.x_scale += l * a.m, a.y += l * a.m * a.ldy;
  return a;
}

struct Op {
  using Args = gemm_base3_s8::Args;
  static constexpr std::string_view name = "gemm_base3_s8";
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

}  // namespace nibble::gemm_base3_s8
