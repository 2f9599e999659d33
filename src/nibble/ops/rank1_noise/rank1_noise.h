// rank1_noise:  step[r] = rne(unit * sum_k f[k] x[r][k])
//
// A matrix perturbed by sigma * f e^T adds step[r] * e[j] to the sums of the clean one: a rank-1
// perturbation costs one more output. What reads the sums adds it (steps of relu2_quantise and
// others). f is +1 where its bit is set and -1 elsewhere; x is what the GEMM read, with any row
// stride, as in gemm_s8.
//
// |sum_k f x| <= 127 * 2^16 < 2^24 is exact as a float; the product with unit is rounded once and
// clamped to 2^24 before it is converted: the same bits on every ISA.
#pragma once
#include "nibble/base/op.h"

namespace nibble::rank1_noise {

inline constexpr int kMaxK = 1 << 16;

struct Args {
  int64_t rows = 0;
  int k = 0;        // a multiple of 16, <= kMaxK
  int64_t ldx = 0;  // elements from a row of x to the next, >= 1
  float unit = 1;
  const int8_t* x = nullptr;    // [(rows - 1) * ldx + k]
  const uint16_t* f = nullptr;  // [k / 16]
  int32_t* step = nullptr;      // [rows]
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
    return {.ops = 2 * a.rows * a.k, .bytes = a.rows * (4 + a.ldx)};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::rank1_noise
