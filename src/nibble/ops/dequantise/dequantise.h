// dequantise:  y[r][j] = float(acc[r][j] + step * e[r][j]) * scale
//
// A GEMM's int32 sums as floats, with noise on one row in `every`: those with (r + phase) % every
// == 0. There e is +1 where the bit is set and -1 elsewhere, in other rows 0. One conversion and
// one product per value: the same bits on every ISA.
//
// With steps, row r adds steps[r] * e in place of step * e; row r reads row r / share of the noise:
// a perturbation of the matrix itself, one for each sequence (rank1_noise), looks like that.
#pragma once
#include "nibble/base/op.h"

namespace nibble::dequantise {

struct Args {
  int64_t rows = 0;
  int n = 0;  // a multiple of 16
  float scale = 1;
  int32_t step = 0;  // |acc| + step < 2^31
  int every = 1, phase = 0;
  bool with_noise = false;          // is there noise
  const int32_t* acc = nullptr;     // [rows][n]
  const uint16_t* noise = nullptr;  // [ceil(rows / share)][n / 16]
  bool with_steps = false;          // a step for each row instead of `step`; needs noise
  int share = 1;                    // neighbouring rows that read the same row of noise
  const int32_t* steps = nullptr;   // [rows]
  float* y = nullptr;               // [rows][n]
};

struct Op {
  using Args = dequantise::Args;
  static constexpr std::string_view name = "dequantise";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 2 * a.rows * a.n, .bytes = 8 * a.rows * a.n, .arithmetic = Arithmetic::none};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::dequantise
