// fold_s8:  packed = gemm_s8::pack((w << shift) + sign * e)        int8 in [-127, 127]
//
// Weights and their perturbation in one matrix: sum_k x (w + sign * 2^-shift * e) equals
// 2^-shift * sum_k x ((w << shift) + sign * e), and the right side is one integer GEMM where the
// left side is two. Ternary weights with shift <= 4 and |e| <= 4 need |packed| <= 20. The result is
// exact, so folding changes no bit of what follows (the scale takes the 2^-shift).
//
// w and e are row-major; the result has the layout of gemm_s8 (gemm_s8/layout.h), its column sums
// included. With sign = 0 there is no e and clean weights are packed.
#pragma once
#include "nibble/base/op.h"
#include "nibble/ops/gemm_s8/gemm_s8.h"

namespace nibble::fold_s8 {

struct Args {
  int n = 0, k = 0;           // rows (outputs) and columns (inputs) of w; k <= gemm_s8::kMaxK
  int shift = 0;              // 0..6
  int sign = 0;               // -1, 0, 1
  const int8_t* w = nullptr;  // [n][k]
  const int8_t* e = nullptr;  // [n][k], or null if sign is 0; |(w << shift) + sign * e| <= 127
  int8_t* packed = nullptr;   // gemm_s8::packed_bytes(n, k), aligned to 64 bytes
};

struct Op {
  using Args = fold_s8::Args;
  static constexpr std::string_view name = "fold_s8";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    const int64_t size = int64_t(a.n) * a.k;
    return {.ops = 3 * size, .bytes = size * (a.sign ? 2 : 1) + gemm_s8::packed_bytes(a.n, a.k)};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::fold_s8
