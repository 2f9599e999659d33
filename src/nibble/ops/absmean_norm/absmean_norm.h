// absmean_norm:  x += q8(add_scale * d), saturating; m = max(1, mean |x|); y = q8(x * (scale / m))
//
// Rows of an int8 residual x. The increment d is absent, a float (`add`), or an integer sum of a
// GEMM times its scale (`sum_scale * sum`): all three in one pass, so the residual is read once.
// q8 rounds to nearest even and clamps to [-127, 127] (numerics/s8.h); x + q8(...) is clamped
// to [-127, 127] too. The divisor is floored at 1, so small residuals are not amplified; there is
// no learned gain.
//
// The mean is an integer sum, exact, divided once; products are taken in the order written, each
// rounded to float: variants agree bit for bit.
#pragma once
#include "nibble/base/op.h"

namespace nibble::absmean_norm {

inline constexpr int kMaxCols = 1 << 16;  // 127 * cols < 2^24: the sum is exact as a float

enum class Add : uint8_t { none, f32, s32 };

struct Args {
  int64_t rows = 0;
  int cols = 0;  // 1..kMaxCols
  Add add_kind = Add::none;
  float add_scale = 1, sum_scale = 1, scale = 1;
  const float* add = nullptr;    // [rows][cols] if add_kind is f32
  const int32_t* sum = nullptr;  // [rows][cols] if add_kind is s32
  int8_t* x = nullptr;           // [rows][cols], in [-127, 127]; rewritten with the sum
  int8_t* y = nullptr;           // [rows][cols]
};

struct Op {
  using Args = absmean_norm::Args;
  static constexpr std::string_view name = "absmean_norm";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    const int64_t n = a.rows * a.cols;
    return a.add_kind == Add::none ? Work{.ops = 3 * n, .bytes = 2 * n}
                                   : Work{.ops = 6 * n, .bytes = 7 * n};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::absmean_norm
