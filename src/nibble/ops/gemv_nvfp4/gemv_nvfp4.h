// gemv_nvfp4:  c[l][j][r] = fp16(alpha * sum_k a[l][r][k] sfa[l][r][k/16] * b[l][j][k]
// sfb[l][j][k/16])
//
// NVFP4 weights a times 1 to 8 rows of NVFP4 activations b, for a batch of such pairs. `alpha` is
// the product of the two tensor scales. Codes are two to a byte, the lower nibble first; scales are
// e4m3 in rows or in the tensor cores' 128x4 atoms (numerics/scale_layout.h), padded for each batch
// entry. All 256 scale bytes count: subnormals, negative ones, and NaN, which makes its row NaN.
//
// The sum over 16 products of codes is exact: in units of 1/4 it is below 2^12. It is added with
// one fma to a float; in what order is written in cuda/tile/gemv_plan.h and the same in all
// variants, which agree bit for bit. Then one product with alpha, one rounding to fp16, infinity
// from 65520 on; every NaN is 0x7fff.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/e2m1.h"
#include "nibble/numerics/fp16.h"
#include "nibble/numerics/fp8.h"
#include "nibble/numerics/scale_place.h"

namespace nibble::gemv_nvfp4 {

struct Args {
  int64_t m = 0;       // rows of a, any
  int k = 0;           // a multiple of 64
  int rows = 1;        // of activations: 1 to 8
  int batch = 1;       // at most 32767
  int64_t b_rows = 1;  // rows that b has in memory for each batch entry, at least `rows`
  float alpha = 1;
  ScaleLayout layout = ScaleLayout::linear;  // of sfa and sfb
  const e2m1x2* a = nullptr;                 // [batch][m][k / 2]
  const e4m3* sfa = nullptr;                 // [batch][scale_bytes(layout, m, k / 16)]
  const e2m1x2* b = nullptr;                 // [batch][b_rows][k / 2]
  const e4m3* sfb = nullptr;                 // [batch][scale_bytes(layout, b_rows, k / 16)]
  fp16* c = nullptr;                         // [batch][rows][m]
  float* partial = nullptr;                  // [partial_floats(args)]
};

// Of the workspace: sums of virtual warps, where a plan may split K between blocks.
int64_t partial_floats(const Args&);

struct Op {
  using Args = gemv_nvfp4::Args;
  static constexpr std::string_view name = "gemv_nvfp4";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&);
  static Work work(const Args& a) {
    const int64_t rows = a.m + a.rows;
    return {.ops = 2 * a.batch * a.m * a.k * a.rows,
            .bytes = a.batch * (rows * a.k / 16 * 9 + 2 * a.m * a.rows),
            .arithmetic = Arithmetic::fp16};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::gemv_nvfp4
