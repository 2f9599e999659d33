// gemv_nvfp4_fp16:  y[l][j][r] = fp16(alpha * sum_k w[l][r][k] scale[l][r][k/16] * x[l][j][k])
//
// NVFP4 weights times 1 to 8 rows of fp16 activations, which nobody has quantised, for a batch of
// such pairs. `alpha` is the weights' tensor scale. Codes are two to a byte as checkpoints have
// them, or every eight of a row laid out for left shifts (numerics/shifted_codes.h), which GPUs
// before Blackwell read; scales are e4m3 in rows or in 128x4 atoms.
//
// The order of operations is the same in all variants, which agree bit for bit. In a block, even
// and odd columns apart: sum = fp16 fma(w, x, sum) from zero, eight times; then even + odd in
// float; then one fma with the scale to a float, in the order of cuda/tile/gemv_plan.h; one product
// with alpha and one rounding to fp16. The codes' values are exact, x may be any half: where the
// sum of a block comes out infinite or NaN, which takes an |x| of 1365, it is that of fp16(x *
// 2^-6) times 64, and eight products of 6 and 65504 fit. All 256 scale bytes count; every NaN is
// 0x7fff.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/e2m1.h"
#include "nibble/numerics/fp16.h"
#include "nibble/numerics/fp8.h"
#include "nibble/numerics/scale_place.h"
#include "nibble/numerics/shifted_codes.h"

namespace nibble::gemv_nvfp4_fp16 {

enum class CodeOrder : uint8_t { neighbours, shifted };

struct Args {
  int64_t m = 0;  // rows of weights, any
  int k = 0;      // a multiple of 64
  int rows = 1;   // of activations: 1 to 8
  int batch = 1;  // at most 32767
  float alpha = 1;
  CodeOrder order = CodeOrder::neighbours;
  ScaleLayout layout = ScaleLayout::linear;
  const e2m1x2* w = nullptr;    // [batch][m][k / 2]
  const e4m3* scale = nullptr;  // [batch][scale_bytes(layout, m, k / 16)]
  const fp16* x = nullptr;      // [batch][rows][k]
  fp16* y = nullptr;            // [batch][rows][m]
  float* partial = nullptr;     // [partial_floats(args)]
};

// Of the workspace: sums of virtual warps, where a plan may split K between blocks.
int64_t partial_floats(const Args&);

struct Op {
  using Args = gemv_nvfp4_fp16::Args;
  static constexpr std::string_view name = "gemv_nvfp4_fp16";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  // What so many roundings can come to: from the magnitudes of the inputs.
  static Tolerance tolerance(const Args&);
  static Work work(const Args& a) {
    return {.ops = 2 * a.batch * a.m * a.k * a.rows,
            .bytes = a.batch * (a.m * a.k / 16 * 9 + 2 * a.rows * (a.k + a.m)),
            .arithmetic = Arithmetic::fp16};
  }
};
static_assert(OpContract<Op>);

// The value of code `k` of a row, whichever order it is in. Rows begin at multiples of 4 bytes.
inline float code_value(const e2m1x2* row, int k, CodeOrder order) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(row) + k / 8 * 4;
  uint32_t word = 0;
  for (int i = 0; i < 4; ++i) word |= uint32_t(bytes[i]) << (8 * i);
  if (order == CodeOrder::shifted) word = from_shifted_codes(word);
  return to_float(e2m1{uint8_t(word >> (4 * (k % 8)) & 15u)});
}

}  // namespace nibble::gemv_nvfp4_fp16
