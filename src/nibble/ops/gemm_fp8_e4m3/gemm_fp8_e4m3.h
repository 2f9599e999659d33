// gemm_fp8_e4m3:  y[i][j] = sum_k w[j][k] x[i][k] * factors
//
// e4m3 weights and activations. Products are exact, sums are floats, in the order of
// cpu/fp8_panels.h: variants agree bit for bit, whatever the ISA and the number of threads.
//
// Factors of weights are of each row (of a tensor: repeated), or of each tile of 128 x 128; of
// activations, of each row or of each 128 columns of a row. ue8m0 factors come as floats.
//
// Weights are panels of 16 rows (numerics/panel_layout.h), one byte an element, 4 neighbouring
// columns of a row in a dword; columns of the padding are zeros, as the packer makes them. Codes
// 0x7f and 0xff are NaN, and so is what they are summed up to.
#pragma once
#include "nibble/base/op.h"
#include "nibble/cpu/fp8_panels.h"

namespace nibble::gemm_fp8_e4m3 {

using Factors = cpu::Fp8Factors;
inline constexpr PanelLayout kLayout = cpu::kFp8Layout;

// Of activations, copied as kernels read them.
constexpr int64_t scratch_bytes(int64_t m, int64_t k) { return cpu::fp8_scratch_bytes(m, k); }

struct Args {
  int64_t m = 0;             // rows of x and y, any
  int n = 0, k = 0;          // any
  int64_t ldx = 0, ldy = 0;  // elements from one row to the next
  Factors w_factors = Factors::rows;
  Factors x_factors = Factors::rows;
  const uint8_t* w = nullptr;      // kLayout.bytes(n, k), 64-byte aligned
  const float* w_scale = nullptr;  // [n], or [ceil(n / 128)][ceil(k / 128)], or null for none
  const e4m3* x = nullptr;         // [m][ldx]
  const float* x_scale = nullptr;  // [m], or [m][ceil(k / 128)], or null for none
  float* y = nullptr;              // [m][ldy]; columns n..ldy are left alone
  uint8_t* scratch = nullptr;      // scratch_bytes(m, k), 64-byte aligned
};

struct Op {
  using Args = gemm_fp8_e4m3::Args;
  static constexpr std::string_view name = "gemm_fp8_e4m3";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 2 * a.m * a.n * a.k,
            .bytes = kLayout.bytes(a.n, a.k) + 1 * a.m * a.k + 4 * a.m * a.n,
            .arithmetic = Arithmetic::bf16};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::gemm_fp8_e4m3
