// relu2_quantise:  h[r][j] = min(127, rne((unit * max(0, a))^2)),   a = acc[r][j] + step * e[r][j]
//
// The hidden layer of the FFN: squared ReLU of an int32 accumulator, requantised to int8. With
// noise, e is +1 where the bit is set and -1 elsewhere; without, it is 0. Bit j of row r is bit
// j % 16 of noise[r * n / 16 + j / 16].
//
// unit is sqrt(codes of h per 1.0) times the value of an accumulator step, so the square comes out
// in codes. float(a) is rounded to nearest even, then two products: the same bits on every ISA.
//
// With steps, row r adds steps[r] * e in place of step * e; row r reads row r / share of the noise:
// a perturbation of the matrix itself, one for each sequence (rank1_noise), looks like that.
#pragma once
#include "nibble/base/op.h"

namespace nibble::relu2_quantise {

struct Args {
  int64_t rows = 0;
  int n = 0;  // a multiple of 16
  float unit = 0;
  int32_t step = 0;                 // |acc| + step < 2^31
  const int32_t* acc = nullptr;     // [rows][n]
  const uint16_t* noise = nullptr;  // [ceil(rows / share)][n / 16], or null
  bool with_noise = false;          // whether `noise` is there: a shape, so that buffers() knows
  bool with_steps = false;          // a step for each row instead of `step`; needs noise
  int share = 1;                    // neighbouring rows that read the same row of noise
  const int32_t* steps = nullptr;   // [rows]
  int8_t* h = nullptr;              // [rows][n]
};

struct Op {
  using Args = relu2_quantise::Args;
  static constexpr std::string_view name = "relu2_quantise";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 5 * a.rows * a.n, .bytes = 5 * a.rows * a.n, .arithmetic = Arithmetic::fp32};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::relu2_quantise
