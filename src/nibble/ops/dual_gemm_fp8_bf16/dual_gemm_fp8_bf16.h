// dual_gemm_fp8_bf16:  y[i][j] = silu(g) * u,  silu(g) = g / (1 + exp(-g))
//   g = sum_k gate[j][k] * x[i][k],  u = sum_k up[j][k] * x[i][k], times their factors
//
// The first half of a gated feed-forward layer in one pass over its tokens: gate and up in e4m3,
// x in bf16, y in float. Nothing of g and u is written to memory.
//
// Both matrices lie in panels of 16 rows, one byte an element, and have factors of rows (of a
// tensor: repeated), of tiles of 128 x 128 or none, as for gemm_fp8_bf16, and g and u are what that
// op computes, bit for bit: y = (g * sigmoid(g)) * u with sigmoid of numerics/elementary.h. A NaN
// is 0x7fc00000; g = -inf is one. Codes 0x7f and 0xff are NaN, padding is zeros, and activations
// below 2^-100 count as zeros, as there.
#pragma once
#include "nibble/base/op.h"
#include "nibble/cpu/fp8_panels.h"

namespace nibble::dual_gemm_fp8_bf16 {

using Factors = cpu::Fp8Factors;
inline constexpr PanelLayout kLayout = cpu::kFp8Layout;

// x in the order it is read.
constexpr int64_t workspace_bytes(int64_t m, int64_t k) { return cpu::fp8_scratch_bytes(m, k); }

struct Args {
  int64_t m = 0;                      // tokens, >= 1
  int n = 0, k = 0;                   // rows of gate and of up, and columns: any
  int64_t ldx = 0, ldy = 0;           // elements from one row to the next; >= k, >= n
  Factors w_factors = Factors::rows;  // of gate and of up
  const uint8_t* gate = nullptr;      // kLayout.bytes(n, k), 64-byte aligned
  const uint8_t* up = nullptr;        // the same
  const float* gate_scale = nullptr;  // [n], or [ceil(n / 128)][ceil(k / 128)], or null for none
  const float* up_scale = nullptr;    // the same
  const bf16* x = nullptr;            // [m][ldx]
  float* y = nullptr;                 // [m][ldy]; columns n .. ldy are left alone
  uint8_t* workspace = nullptr;       // workspace_bytes(m, k), 64-byte aligned
};

struct Op {
  using Args = dual_gemm_fp8_bf16::Args;
  static constexpr std::string_view name = "dual_gemm_fp8_bf16";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);  // sigmoid in double
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&);  // of silu; reads x and the factors
  static Work work(const Args& a) {
    return {.ops = 4 * a.m * a.n * a.k,
            .bytes = 2 * kLayout.bytes(a.n, a.k) + 2 * a.m * a.k + 4 * a.m * a.n,
            .arithmetic = Arithmetic::bf16};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::dual_gemm_fp8_bf16
