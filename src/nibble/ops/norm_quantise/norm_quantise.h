// norm_quantise:  s = x[r] + delta[r],   y = s / sqrt(mean(s^2) + eps) * gamma,   y encoded
//               or   y = s / max(mean |s|, eps) * gamma
//
// What stands between the layers of a transformer, in one pass over memory: the residual add, the
// norm, and the activations of the next product as codes with scales of the row (encode_rows.h).
//
// s is rounded to the type of x and written to `sum`, which may be x; without delta, s = x and
// there is no sum. The norm reads the rounded s, as the next residual add does. In FP32, every
// operation rounded:
//
//   m = sum of s^2 in the house's order (numerics/reduce.h: 16 lanes by fma, fixed tree) / cols
//   y = (s * (1 / sqrt(m + eps))) * gamma,   rounded to bf16 with round_bf16
//
// With Norm::absmean, the norm of ternary models, which takes neither square nor root:
//
//   m = sum of |s| in the same order / cols
//   y = (s * (1 / max(m, eps))) * gamma
//
// Without gamma, y = s * (1 / ...), the same bits as a gamma of ones.
//
// Then y's codes are those of encode_rows: the bytes of a norm that writes its y and an encoder
// that reads it. Variants agree bit for bit. An infinite s makes NaN of itself and zeros of its
// row, a NaN makes NaN of all; the format says what becomes of them.
#pragma once
#include "nibble/ops/encode_rows/encode_rows.h"

namespace nibble::norm_quantise {

inline constexpr int64_t kMaxCols = 1 << 16;  // a row of y is kept on the stack: 256 KiB

enum class Norm : uint8_t { rms, absmean };

struct Args {
  int64_t rows = 0, cols = 0;  // cols: as encode_rows, at most kMaxCols
  Norm norm = Norm::rms;
  float eps = 1e-6f;
  bool with_delta = false;  // are there delta and sum
  bool with_gamma = true;
  bool round_bf16 = false;
  Floats x;           // [rows][cols], f32 or bf16
  Floats delta;       // [rows][cols], of the type of x, or absent
  MutableFloats sum;  // [rows][cols], of the type of x, or absent; may be x
  Floats gamma;       // [cols], f32 or bf16, or absent
  encode_rows::Encoded to;
};

struct Op {
  using Args = norm_quantise::Args;
  static constexpr std::string_view name = "norm_quantise";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    const int64_t read = bytes_of(a.x.type) * a.rows * a.cols;
    return {.ops = 8 * a.rows * a.cols,
            .bytes = (a.with_delta ? 3 : 1) * read +
                     (a.with_gamma ? bytes_of(a.gamma.type) * a.cols : 0) +
                     a.rows * encode_rows::row_bytes(a.to.format, a.cols),
            .arithmetic = Arithmetic::fp32};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::norm_quantise
