// logit_credit:  credit[l][r] = log(sum_j p[r][j] exp(s e[l][r][j])) - s e[l][r][target[r]]
//
// What the cross-entropy of row r changes by when lane l adds s e to its logits, e = +-1: the loss
// of a perturbed head needs no new softmax, since exp(s e) has two values:
//
//   sum_j p_j exp(s e_j) = exp(-s) + (exp(s) - exp(-s)) * sum of p_j over set bits.
//
// p - onehot(target) is what cross_entropy gives as its gradient. Sums over j in the order of
// numerics/reduce.h, log of numerics/elementary.h: variants agree bit for bit.
#pragma once
#include <cmath>

#include "nibble/base/op.h"

namespace nibble::logit_credit {

struct Args {
  int64_t rows = 0;
  int n = 0;  // symbols, padded to a multiple of 16
  int lanes = 0;
  float s = 0;                      // 0 < s <= 4
  const float* gradient = nullptr;  // [rows][n]: p - onehot(target), zeros in padded columns
  const uint16_t* noise = nullptr;  // [lanes][rows][n / 16]: e is +1 where the bit is set, else -1
  const uint8_t* target = nullptr;  // [rows], < n
  float* credit = nullptr;          // [lanes][rows]
};

struct Op {
  using Args = logit_credit::Args;
  static constexpr std::string_view name = "logit_credit";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  // In steps of 2^-24: a sum of p is off by at most 16 terms a lane, 4 levels of the tree, the bit
  // of the target and the rounding of p - 1: 24. It counts exp(s) - exp(-s) over a total that may
  // be as small as exp(-s). exp, log and the subtraction of numbers up to s add a few.
  static Tolerance tolerance(const Args& a) {
    return {.abs = (24 * (std::exp(2 * double(a.s)) - 1) + 8 + 4 * double(a.s)) * 0x1p-24,
            .rel = 4 * 0x1p-24};
  }
  static Work work(const Args& a) {
    return {.ops = a.rows * a.lanes * (a.n + 30),
            .bytes = 4 * a.rows * a.n + a.rows * a.lanes * (a.n / 8 + 4),
            .arithmetic = Arithmetic::fp32};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::logit_credit
