// grouped_gemm_ternary_s8:  y[i][j] = w_scale[g][j] * x_scale[i] * sum_k w[g][j][k] * x[i][k]
//   for the group g whose tokens, offsets[g] <= i < offsets[g + 1], i is among
//
// The products of experts: tokens sorted by expert, each with its own matrix. Groups may be empty
// and of any sizes. w of -1, 0 and 1, x in int8, y in float.
//
// The matrices lie in panels of 16 rows, two bits an element, as for gemm_ternary_s8, and a group's
// results are what that op computes, bit for bit. Code 3 counts as 2, and the bytes of padding have
// no effect.
#pragma once
#include "nibble/base/op.h"
#include "nibble/cpu/s8_panels.h"

namespace nibble::grouped_gemm_ternary_s8 {

inline constexpr PanelLayout kLayout = cpu::TernaryCodes::kLayout;
inline constexpr int kMaxK = 1 << 18;  // as gemm_ternary_s8 proves

// Of activations, copied in the order kernels read them, and their sums: a group's begins with a
// cache line.
constexpr int64_t scratch_bytes(int64_t m, int64_t k) { return m * (cpu::padded_k(k) + 64); }

struct Args {
  int groups = 0;                    // >= 1
  int64_t m = 0;                     // tokens of all groups, >= 1
  int n = 0, k = 0;                  // of a matrix: any n; 1 <= k <= kMaxK
  int64_t ldx = 0, ldy = 0;          // elements from one row to the next; >= k, >= n
  int64_t w_stride = 0;              // bytes from one matrix to the next: a multiple of 64
  const int64_t* offsets = nullptr;  // [groups + 1], 0 <= ... <= m; see check_offsets()
  const uint8_t* w = nullptr;        // [groups] of kLayout.bytes(n, k), 64-byte aligned
  const float* w_scale = nullptr;    // [groups][n]
  const int8_t* x = nullptr;         // [m][ldx]
  const float* x_scale = nullptr;    // [m]
  float* y = nullptr;                // [m][ldy]; columns n .. ldy are left alone
  uint8_t* scratch = nullptr;        // scratch_bytes(m, k), 64-byte aligned
};

// Whether offsets begin with 0, never fall and end with m. check() is asked of shapes and does not
// read them; whoever has them from elsewhere asks here.
Status check_offsets(const Args&);

struct Op {
  using Args = grouped_gemm_ternary_s8::Args;
  static constexpr std::string_view name = "grouped_gemm_ternary_s8";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args&);  // reads the matrices of groups that have tokens
};
static_assert(OpContract<Op>);

}  // namespace nibble::grouped_gemm_ternary_s8
