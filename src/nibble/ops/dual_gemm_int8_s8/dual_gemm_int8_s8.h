// dual_gemm_int8_s8:  y[i][j] = silu(g) * u,  silu(g) = g / (1 + exp(-g))
//   g = sum_k gate[j][k] * x[i][k],  u = sum_k up[j][k] * x[i][k], times their factors
//
// The first half of a gated feed-forward layer in one pass over its tokens: gate and up in int8,
// x in int8, y in float. Nothing of g and u is written to memory.
//
// Both matrices lie in panels of 16 rows, one byte an element, as for gemm_int8_s8, and g and u are
// what that op computes, bit for bit: y = (g * sigmoid(g)) * u with sigmoid of
// numerics/elementary.h. A NaN is 0x7fc00000; g = -inf is one.
//
// Sums are at most k 2^14 < 2^31 for k <= kMaxK. Every byte is a weight, -128 too.
#pragma once
#include "nibble/base/op.h"
#include "nibble/cpu/s8_panels.h"

namespace nibble::dual_gemm_int8_s8 {

inline constexpr PanelLayout kLayout = cpu::Int8Codes::kLayout;
inline constexpr int kMaxK = 131071;

// x in the order it is read, and its sums.
constexpr int64_t workspace_bytes(int64_t m, int64_t k) {
  return cpu::s8_scratch_bytes(m, k, true);
}

struct Args {
  int64_t m = 0;                      // tokens, >= 1
  int n = 0, k = 0;                   // rows of gate and of up, any; 1 <= k <= kMaxK
  int64_t ldx = 0, ldy = 0;           // elements from one row to the next; >= k, >= n
  const uint8_t* gate = nullptr;      // kLayout.bytes(n, k), 64-byte aligned
  const uint8_t* up = nullptr;        // the same
  const float* gate_scale = nullptr;  // [n]: of each row
  const float* up_scale = nullptr;    // [n]
  const int8_t* x = nullptr;          // [m][ldx]
  const float* x_scale = nullptr;     // [m]
  float* y = nullptr;                 // [m][ldy]; columns n .. ldy are left alone
  uint8_t* workspace = nullptr;       // workspace_bytes(m, k), 64-byte aligned
};

struct Op {
  using Args = dual_gemm_int8_s8::Args;
  static constexpr std::string_view name = "dual_gemm_int8_s8";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);  // sigmoid in double
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&);  // of silu; reads the factors
  static Work work(const Args& a) {
    return {.ops = 4 * a.m * a.n * a.k,
            .bytes = 2 * kLayout.bytes(a.n, a.k) + a.m * a.k + 4 * (a.m * a.n + a.m + 2 * a.n),
            .arithmetic = Arithmetic::int8};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::dual_gemm_int8_s8
