// rank1_noise:  y[r][j] = acc[r][j] + e[j] * rne(unit * sum_k f[k] x[r][k])
//
// What a matrix perturbed by sigma * f e^T gives, from the sums of the clean one: a rank-1
// perturbation costs one more output. e and f are +1 where their bit is set and -1 elsewhere; x is
// what the GEMM read, with any row stride, as in gemm_s8.
//
// |sum_k f x| <= 127 * 2^16 < 2^24 is exact as a float; the product with unit is rounded once and
// clamped to 2^24 before it is converted: the same bits on every ISA.
#pragma once
#include "nibble/base/op.h"

namespace nibble::rank1_noise {

inline constexpr int kMaxK = 1 << 16;

struct Args {
  int64_t rows = 0;
  int k = 0, n = 0;  // multiples of 16; k <= kMaxK
  int64_t ldx = 0;   // elements from a row of x to the next, >= 1
  float unit = 1;
  const int8_t* x = nullptr;     // [(rows - 1) * ldx + k]
  const uint16_t* e = nullptr;   // [n / 16]
  const uint16_t* f = nullptr;   // [k / 16]
  const int32_t* acc = nullptr;  // [rows][n]; |acc| < 2^30
  int32_t* y = nullptr;          // [rows][n]
};

struct Op {
  using Args = rank1_noise::Args;
  static constexpr std::string_view name = "rank1_noise";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 2 * a.rows * (a.n + a.k), .bytes = a.rows * (8 * a.n + a.ldx)};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::rank1_noise
