// grouped_gemm_fp8_bf16:  y[i][j] = sum_k w[g][j][k] x[i][k] * factors
//   for the group g whose tokens, offsets[g] <= i < offsets[g + 1], i is among
//
// The products of experts: tokens sorted by expert, each with its own matrix. Groups may be empty
// and of any sizes. w in e4m3, x in bf16, y in float.
//
// The matrices lie in panels of 16 rows and have factors of rows or of tiles of 128 x 128, as for
// gemm_fp8_bf16, and a group's results are what that op computes, bit for bit. NaN, padding and
// activations below 2^-100 are dealt with as there.
#pragma once
#include "nibble/base/op.h"
#include "nibble/cpu/fp8_panels.h"

namespace nibble::grouped_gemm_fp8_bf16 {

using Factors = cpu::Fp8Factors;
inline constexpr PanelLayout kLayout = cpu::kFp8Layout;

// Of activations, copied as kernels read them.
constexpr int64_t scratch_bytes(int64_t m, int64_t k) { return m * cpu::fp8_row_bytes(k); }

struct Args {
  int groups = 0;            // >= 1
  int64_t m = 0;             // tokens of all groups, >= 1
  int n = 0, k = 0;          // of a matrix, any
  int64_t ldx = 0, ldy = 0;  // elements from one row to the next; >= k, >= n
  int64_t w_stride = 0;      // bytes from one matrix to the next: a multiple of 64
  Factors w_factors = Factors::rows;
  const int64_t* offsets = nullptr;  // [groups + 1], 0 <= ... <= m; see check_offsets()
  const uint8_t* w = nullptr;        // [groups] of kLayout.bytes(n, k), 64-byte aligned
  const float* w_scale = nullptr;    // [groups][n], or [groups][ceil(n / 128)][ceil(k / 128)]
  const bf16* x = nullptr;           // [m][ldx]
  float* y = nullptr;                // [m][ldy]; columns n .. ldy are left alone
  uint8_t* scratch = nullptr;        // scratch_bytes(m, k), 64-byte aligned
};

// Whether offsets begin with 0, never fall and end with m. check() is asked of shapes and does not
// read them; whoever has them from elsewhere asks here.
Status check_offsets(const Args&);

struct Op {
  using Args = grouped_gemm_fp8_bf16::Args;
  static constexpr std::string_view name = "grouped_gemm_fp8_bf16";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args&);  // reads the matrices of groups that have tokens
};
static_assert(OpContract<Op>);

}  // namespace nibble::grouped_gemm_fp8_bf16
