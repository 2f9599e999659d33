// shadow_update: one evolution-strategies update of a tensor.
//
//   z[i] = sum_p weight[p] * ternary_noise(seed[p], i, terms)      noise regenerated, never stored
//   ms = mean z^2; ema = ms if it was 0, then ema_beta * ema + (1 - ema_beta) * ms
//   inv = 1 / sqrt(ema + eps), or 1 / (sqrt(ema) + eps), or 1     (Rms::inside, outside, off)
//   g = inv * z[i]; where |g| >= threshold: shadow[i] += lr * g
//   w[i] = shadow[i] rounded to nearest even and clamped to [-1, 1], NaN to 0      (ternary only)
//
// A matrix has a float shadow that accumulates and a ternary copy that computes; a vector of floats
// is its own shadow and has no copy. The shadow is not clamped. A copy is w, a byte a weight; or
// packed, the same as ternary_x4 (numerics/ternary.h): element 4i + j in bits 2j and 2j + 1 of byte
// i, as code w + 1, and weights 0 in what the last byte has beyond n. Matrices whose columns are a
// multiple of 4 are so packed row by row.
//
// The result is defined bit by bit, because the threshold is a jump: z is summed over p in order,
// one fma each, pairs of weight 0 left out. Sums of z^2 are taken per piece of kPiece elements in
// the order of numerics/reduce.h and added over pieces in double, in order; lr * g is added with an
// fma. Independent of threads; the reference does the same operations one at a time.
#pragma once
#include "nibble/base/op.h"

namespace nibble::shadow_update {

inline constexpr int64_t kPiece = 4096;

enum class Rms : uint8_t { inside, outside, off };
enum class Ternary : uint8_t { none, bytes, two_bit, both };  // which copies are written

constexpr bool in_bytes(Ternary t) { return t == Ternary::bytes || t == Ternary::both; }
constexpr bool in_two_bits(Ternary t) { return t == Ternary::two_bit || t == Ternary::both; }
constexpr int64_t packed_bytes(int64_t n) { return (n + 3) / 4; }

struct Args {
  int64_t n = 0;
  int pairs = 0;
  int terms = 4;  // of the noise, 0..127
  Rms rms = Rms::inside;
  float ema_beta = 0.95f, eps = 1e-3f;
  float lr = 0, threshold = 0;
  Ternary ternary = Ternary::bytes;
  const uint64_t* seed = nullptr;  // [pairs], of this tensor
  const float* weight = nullptr;   // [pairs]
  float* ema = nullptr;            // [1]; untouched if rms is off
  float* shadow = nullptr;         // [n]
  int8_t* w = nullptr;             // [n] if in_bytes(ternary), otherwise null
  uint8_t* packed = nullptr;       // [packed_bytes(n)] if in_two_bits(ternary), otherwise null
  float* z = nullptr;              // [n], workspace
  float* squares = nullptr;        // [pieces(n)], workspace
};

constexpr int64_t pieces(int64_t n) { return (n + kPiece - 1) / kPiece; }

struct Op {
  using Args = shadow_update::Args;
  static constexpr std::string_view name = "shadow_update";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  // The noise, ten operations a hash, outweighs all else.
  static Work work(const Args& a) {
    return {.ops = a.n * (10 * int64_t(a.pairs) * (1 + a.terms) + 8),
            .bytes = a.n * (in_bytes(a.ternary) ? 9 : 8) +
                     (in_two_bits(a.ternary) ? packed_bytes(a.n) : 0) + 12 * int64_t(a.pairs)};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::shadow_update
