// cross_entropy:  loss[r] = log(eps + sum_j exp(l[r][j] - m)) - (l[r][target] - m),  m = max_j
// l[r][j]
//
// Natural logarithm. A logit is l[r][j] = fma(x[r][j], scale, bias[j]), one rounding, where x is a
// float or an integer sum of a GEMM (converted to float first, to nearest): a head needs no pass of
// its own for scale and bias. Optionally gradient[r][j] = exp(l - m) / sum - (j == target): what
// the delta rule wants; eps is left out of it.
//
// With noise, an integer sum is x[r][j] + steps[r] * e[r / share][j], where e is +1 if the bit is
// set and -1 elsewhere: the logits of a matrix with a rank-1 perturbation (rank1_noise) from those
// of the clean one.
//
// Logits must be finite; whatever their size, no exponential overflows. Both terms of the loss are
// >= 0, so nothing cancels. Sums follow numerics/reduce.h over j, exp and log are those of
// numerics/elementary.h: variants agree bit for bit.
#pragma once
#include "nibble/base/op.h"

namespace nibble::cross_entropy {

inline constexpr int kMaxSymbols = 256;

enum class Source : uint8_t { f32, s32 };

struct Args {
  int64_t rows = 0;
  int symbols = 0;  // 1..kMaxSymbols
  Source source = Source::f32;
  int64_t ld = 0;           // elements from a row of x to the next, >= symbols
  int64_t ld_gradient = 0;  // the same for gradient; 0: no gradient
  bool biased = false;
  float scale = 1, eps = 0;         // eps >= 0
  const float* logits = nullptr;    // [rows][ld] if source is f32
  const int32_t* sums = nullptr;    // [rows][ld] if source is s32
  const float* bias = nullptr;      // [symbols] if biased
  bool with_noise = false;          // source s32 only
  int share = 1;                    // neighbouring rows that read the same row of noise
  const uint16_t* noise = nullptr;  // [ceil(rows / share)][ceil(symbols / 16)]
  const int32_t* steps = nullptr;   // [rows]; |sum| + |step| < 2^31
  const uint8_t* target = nullptr;  // [rows], < symbols
  float* loss = nullptr;            // [rows]
  float* gradient = nullptr;        // [rows][ld_gradient]; columns from `symbols` on are left alone
};

struct Op {
  using Args = cross_entropy::Args;
  static constexpr std::string_view name = "cross_entropy";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  // The sum's relative error: at most 16 terms a lane, 4 levels of the tree, 2 for exp, 2 for its
  // argument (z exp(z) is at most 1/e in magnitude), all in units of 2^-24. It enters the loss as
  // an absolute error; the target's term adds its own rounding and the last addition another.
  static Tolerance tolerance(const Args&) { return {.abs = 24 * 0x1p-24, .rel = 3 * 0x1p-24}; }
  // An exponential is counted as 16 operations: 7 of them fma.
  static Work work(const Args& a) {
    const int64_t n = a.rows * a.symbols;
    return {.ops = n * (a.ld_gradient ? 28 : 26),
            .bytes = 4 * n + 5 * a.rows + (a.ld_gradient ? 4 * n : 0),
            .arithmetic = Arithmetic::fp32};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::cross_entropy
