// adam_ternary:  one Adam step of a shadow matrix, and its projection to packed weights
//
//   g       = unit * sum_p grad[p][k][n]                    (an integer sum, one rounding each)
//   m       = beta1 m + (1 - beta1) g
//   v       = beta2 v + (1 - beta2) g g
//   shadow  = clamp(shadow - rate * m / (sqrt(v * v_scale) + epsilon), -limit, limit)
//   weight  = clamp(rne(shadow * code_scale), -max_code, max_code), or in bf16: the nearest one
//
// rate is the learning rate with the first moment's bias correction in it, v_scale the second's.
// Ternary: code_scale 1, max_code 1, limit 1.5, so that a weight at its bound comes back as fast as
// it went. Products, sums, IEEE division and square root only, none contracted: the same bits on
// every ISA.
//
// Matrices are [k inputs][n outputs]; the weights come out in gemm_s8's panels, column sums behind
// them, or as gemm_bf16_s8's weight_of(shadow * code_scale) in its panels: ready to be multiplied.
// grad is the sum of `parts` accumulators and is left at zero for the
// next update. Without a gradient (parts = 0) the shadow is only projected.
#pragma once
#include "nibble/base/op.h"
#include "nibble/ops/gemm_bf16_s8/gemm_bf16_s8.h"
#include "nibble/ops/gemm_s8/gemm_s8.h"

namespace nibble::adam_ternary {

struct Args {
  int k = 0, n = 0;  // k a multiple of 4, n of 16
  int parts = 0;     // accumulators of the gradient; their sum fits int32
  float unit = 1;
  float rate = 0, beta1 = 0.9f, beta2 = 0.98f, v_scale = 1, epsilon = 1e-9f;
  float limit = 1.5f, code_scale = 1;
  int max_code = 1;          // <= 127
  bool in_bf16 = false;      // which of the two kinds of weights
  int64_t part_stride = 0;   // elements from an accumulator to the next, >= k * n
  int32_t* grad = nullptr;   // [parts][part_stride]
  float* shadow = nullptr;   // [k][n]
  float* m = nullptr;        // [k][n]
  float* v = nullptr;        // [k][n]
  int8_t* weight = nullptr;  // gemm_s8::packed_bytes(n, k), 64-byte aligned; unless in_bf16
  bf16* wide = nullptr;      // [n * k], 64-byte aligned; if in_bf16
};

struct Op {
  using Args = adam_ternary::Args;
  static constexpr std::string_view name = "adam_ternary";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 16 * int64_t(a.k) * a.n,
            .bytes = (25 + 8 * a.parts) * int64_t(a.k) * a.n,
            .arithmetic = Arithmetic::fp32};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::adam_ternary
