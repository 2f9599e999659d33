// gemm_nvfp4_bf16:  y[i][j] = w_scale[j] * sum_k w[j][k] x[i][k]
//
// w is NVFP4 in panels of 16 rows (numerics/panel_layout.h): e2m1 codes, 16 along a row with an
// e4m3 scale. x is bf16 as models have it: nothing is quantised on the way, so this is the product
// that others are measured against. m = 1 is the product with a vector.
//
// The products of a block are exact; sums are float, in the order of cpu/fp4_chains.h:
//
//   chain = chain + e2m1 * x      16 columns: 2 0 3 1 6 4 7 5, 10 8 11 9 14 12 15 13; from zero
//   acc   = fma(chain, scale, acc)                  for the blocks of a row in order
//   y     = acc * w_scale[j]
//
// in every variant, so all agree bit for bit.
//
// Range of x: magnitudes below 2^-100 count as 0, so that no sum is ever subnormal; finite ones
// must be at most 2^120, so that none is infinite on the way. Infinities and NaNs make NaN or
// infinity of the token's results, as IEEE arithmetic has it.
//
// Every scale byte is legal: the sign counts, subnormals are numbers, and 0x7f and 0xff are NaN,
// which makes NaN of the row's results and of no other. NaNs are the quiet one without sign.
#pragma once
#include "nibble/base/op.h"
#include "nibble/cpu/fp4_chains.h"
#include "nibble/numerics/bf16.h"
#include "nibble/numerics/panel_layout.h"

namespace nibble::gemm_nvfp4_bf16 {

inline constexpr PanelLayout kPanels{16, PanelCodes::fp4, 16};
inline constexpr int kBlock = 16;

// Columns of the tiles that hold k.
constexpr int64_t padded_k(int k) { return kPanels.tiles(k) * kPanels.tile_k(); }

struct Args {
  int64_t m = 0;                   // activation rows, >= 1
  int n = 0, k = 0;                // weight rows, >= 1; columns, a multiple of 16
  int64_t ldx = 0, ldy = 0;        // elements from one row to the next, >= k and >= n
  const uint8_t* w = nullptr;      // kPanels.bytes(n, k), 64-byte aligned
  const float* w_scale = nullptr;  // [n]
  const bf16* x = nullptr;         // [m][ldx]
  float* y = nullptr;              // [m][ldy]; columns n..ldy are left alone
  float* packed_x = nullptr;       // workspace [m][padded_k(k)], 64-byte aligned
};

struct Op {
  using Args = gemm_nvfp4_bf16::Args;
  static constexpr std::string_view name = "gemm_nvfp4_bf16";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  // What so many roundings of sums can come to: from the magnitudes of the inputs.
  static Tolerance tolerance(const Args&);
  static Work work(const Args& a) {
    return {.ops = 2 * a.m * a.n * a.k,
            .bytes = kPanels.bytes(a.n, a.k) + 4 * a.n + 2 * a.m * a.k + 4 * a.m * a.n,
            .arithmetic = Arithmetic::bf16};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::gemm_nvfp4_bf16
