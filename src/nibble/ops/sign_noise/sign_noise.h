// sign_noise:  y[r][j] = acc[r][j] + rne(unit * sum_k x[r][k] e[k][j])
//
// What a perturbation of full rank does to the sums of a matrix: W + sigma E, every sign of E its
// own bit (numerics/sign_panel.h). acc are the clean sums x W, which all perturbations share, so a
// perturbation costs one product of int8 by signs. x is what the GEMM read, with any row stride, as
// in gemm_s8.
//
// Signs enter as b = 0 or 1: sum_k x e = 2 sum_k x b - sum_k x.
//
// |sum_k x e| <= 127 * 2^16 < 2^24 is exact as a float; the product with unit is rounded once and
// clamped to 2^24 before it is converted: the same bits on every ISA. |acc| < 2^31 - 2^24.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/sign_panel.h"

namespace nibble::sign_noise {

inline constexpr int kMaxK = 1 << 16;

struct Args {
  int64_t rows = 0;
  int n = 0, k = 0;  // multiples of 16; k <= kMaxK
  int64_t ldx = 0;   // elements from a row of x to the next, >= 1
  float unit = 1;
  const int8_t* x = nullptr;     // [(rows - 1) * ldx + k], codes in [-127, 127]
  const uint16_t* e = nullptr;   // [sign_words(k, n)]
  const int32_t* acc = nullptr;  // [rows][n]
  int32_t* y = nullptr;          // [rows][n]
};

struct Op {
  using Args = sign_noise::Args;
  static constexpr std::string_view name = "sign_noise";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 2 * a.rows * a.n * a.k,
            .bytes = a.rows * (a.ldx + 8 * a.n) + int64_t(a.k) * a.n / 8,
            .arithmetic = Arithmetic::int8};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::sign_noise
