// grouped_gemm_nvfp4_nvfp4:  y[i][j] = w_scale[g][j] * x_scale[i] * sum_k w[g][j][k] * x[i][k]
//   for the group g whose tokens, offsets[g] <= i < offsets[g + 1], i is among
//
// The products of experts: tokens sorted by expert, each with its own matrix. Groups may be empty
// and of any sizes. w and x in NVFP4, y in float.
//
// The matrices lie in panels of 16 rows, PanelLayout{16, fp4, 16}, x as for gemm_nvfp4_nvfp4, and a
// group's results are what that op computes, bit for bit. Not-a-numbers and the bytes of padding
// are dealt with as there.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/e2m1.h"
#include "nibble/numerics/fp8.h"
#include "nibble/numerics/panel_layout.h"

namespace nibble::grouped_gemm_nvfp4_nvfp4 {

inline constexpr PanelLayout kLayout{16, PanelCodes::fp4, 16};

struct Args {
  int groups = 0;                    // >= 1
  int64_t m = 0;                     // tokens of all groups, >= 1
  int n = 0, k = 0;                  // rows of a matrix, any; columns, a multiple of 16
  int64_t ldx = 0, ldy = 0;          // elements from one row to the next; >= k and even; >= n
  int64_t w_stride = 0;              // bytes from one matrix to the next: a multiple of 64
  const int64_t* offsets = nullptr;  // [groups + 1], 0 <= ... <= m; see check_offsets()
  const uint8_t* w = nullptr;        // [groups] of kLayout.bytes(n, k), 64-byte aligned
  const float* w_scale = nullptr;    // [groups][n]
  const e2m1x2* x = nullptr;         // [m][ldx / 2]
  const e4m3* x_blocks = nullptr;    // [m][k / 16]
  const float* x_scale = nullptr;    // [m]
  float* y = nullptr;                // [m][ldy]; columns n .. ldy are left alone
  float* token_scale = nullptr;      // workspace [m]: x_scale, or NaN if a block's scale is
  uint8_t* workspace = nullptr;      // workspace_bytes(m, k): x in the order it is read
};

// A block of 16, its int32 sum and its factor. k % 16 == 0
constexpr int64_t workspace_bytes(int64_t m, int64_t k) { return m * (k / 16) * 24; }

// Whether offsets begin with 0, never fall and end with m. check() is asked of shapes and does not
// read them; whoever has them from elsewhere asks here.
Status check_offsets(const Args&);

struct Op {
  using Args = grouped_gemm_nvfp4_nvfp4::Args;
  static constexpr std::string_view name = "grouped_gemm_nvfp4_nvfp4";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args&);  // reads the matrices of groups that have tokens
};
static_assert(OpContract<Op>);

}  // namespace nibble::grouped_gemm_nvfp4_nvfp4
