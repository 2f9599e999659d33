// gemv_bf16:  y[l][j] = sum_k w[l][j][k] * x[l][k]        w, x bf16, y f32
//
// One token by weights in bf16, row after row as a checkpoint has them, for a batch of such pairs:
// what GEMVs by packed weights are held against on a GPU, beside the bandwidth that is measured
// there. For a model's own products there is gemm_bf16.
//
// Products are exact in float. Lane t of 32 adds columns 8t .. 8t+7 of every 256 to one float, one
// fma a column in their order; the lanes are added in the tree of distances 16, 8, 4, 2, 1.
// Variants agree bit for bit; every NaN is 0x7fc00000.
#pragma once
#include "nibble/base/op.h"
#include "nibble/numerics/bf16.h"

namespace nibble::gemv_bf16 {

inline constexpr int kLanes = 32, kPiece = 8;  // columns of a 16-byte load

struct Args {
  int batch = 1;            // at most 32767
  int n = 0, k = 0;         // rows of w, any; columns, a multiple of 8
  const bf16* w = nullptr;  // [batch][n][k], 16-byte aligned
  const bf16* x = nullptr;  // [batch][k], 16-byte aligned
  float* y = nullptr;       // [batch][n]
};

struct Op {
  using Args = gemv_bf16::Args;
  static constexpr std::string_view name = "gemv_bf16";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&);
  static Work work(const Args& a) {
    const int64_t outputs = int64_t(a.batch) * a.n;
    return {.ops = 2 * outputs * a.k,
            .bytes = 2 * (outputs + a.batch) * a.k + 4 * outputs,
            .arithmetic = Arithmetic::bf16};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::gemv_bf16
