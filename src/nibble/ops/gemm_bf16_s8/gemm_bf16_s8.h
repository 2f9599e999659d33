// gemm_bf16_s8:  y[i][j] = rne(clamp(sum_k w[j][k] * x[i][k], -2^30, 2^30))    w bf16, x int8
//
// Weights of bf16 where gemm_s8 has whole codes: sums come out as int32 in units of a weight of 1
// times an activation of 1, so that what follows a product (noise, requantising, losses) is the
// same for both. A weight scaled by 2^8 keeps 8 bits of fraction there.
//
// A sum is one chain of float additions from +0, pair of k after pair and the odd k of a pair
// first: 1, 0, 3, 2, ..., which is what vdpbf16ps computes. A product of 8 and 7 bits is exact in
// float, so a fused and a separate addition are the same. A weight is 0 or 2^-64 <= |w| <= 2^64
// (pack() sees to it), so every sum is a multiple of 2^-71: never subnormal, which vdpbf16ps would
// take for 0. Variants agree bit for bit.
//
// x is row-major with any row stride, also one smaller than k: rows may overlap, as in gemm_s8.
#pragma once
#include "nibble/base/op.h"
#include "nibble/ops/gemm_bf16_s8/layout.h"

namespace nibble::gemm_bf16_s8 {

inline constexpr int kMaxK = 1 << 16;

struct Args {
  int64_t m = 0;                 // rows of x and y
  int n = 0, k = 0;              // multiples of 16; k <= kMaxK
  int64_t ldx = 0;               // elements from a row of x to the next, >= 1
  int64_t ldy = 0;               // >= n
  const int8_t* x = nullptr;     // [(m - 1) * ldx + k]
  const bf16* w = nullptr;       // [n * k], 64-byte aligned, from pack()
  int32_t* y = nullptr;          // [m][ldy]; columns n..ldy are left alone
  uint8_t* workspace = nullptr;  // workspace_bytes(m, k, ldx), 64-byte aligned: x in floats
};

constexpr int64_t workspace_bytes(int64_t m, int64_t k, int64_t ldx) {
  return 4 * ((m - 1) * ldx + k);
}

// w from rows w[n][ldw], ldw >= k, rounded by weight_of().
void pack(const float* w, int64_t ldw, int n, int k, bf16* packed);

struct Op {
  using Args = gemm_bf16_s8::Args;
  static constexpr std::string_view name = "gemm_bf16_s8";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);  // the chain itself, in float
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 2 * a.m * a.n * a.k,
            .bytes = a.m * a.ldx + 2 * int64_t(a.n) * a.k + 4 * a.m * a.n,
            .arithmetic = Arithmetic::bf16};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::gemm_bf16_s8
