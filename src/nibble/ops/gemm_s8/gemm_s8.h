// gemm_s8:  c[m][n] = sum_k a[m][k] * b[n][k]        a, b int8 in [-127, 127], c int32, exact
//
// a is row-major with any row stride, also one smaller than k: rows may overlap, which is how a
// token shift by concatenation is read without being copied (row t starts at token t - shift).
//
// b is packed in panels of 16 columns: panel p, block q, column j, byte i holds b[16 p + j][4 q +
// i] (layout.h). Four neighbours in k share a 32-bit lane, which is what vpdpbusd multiplies, and
// 16 lanes share a cache line. n and k are padded with zeros to multiples of 16 and 4; padded
// columns are not stored to c. Behind the panels stands 128 * sum_k b[n][k] as int32 for each
// padded column: vpdpbusd wants an unsigned operand, so a + 128 is multiplied and this is
// subtracted.
//
// -128 is not a code here: with it, the pair sums of vpmaddubsw would saturate. Exact in int32 for
// k <= 2^16: |sum| <= 2^16 * 255 * 127 < 2^31.
#pragma once
#include "nibble/base/op.h"
#include "nibble/ops/gemm_s8/layout.h"

namespace nibble::gemm_s8 {

inline constexpr int kMaxK = 1 << 16;

struct Args {
  int64_t m = 0;              // rows of a and c
  int n = 0, k = 0;           // 1 <= k <= kMaxK; any n
  int64_t lda = 0;            // elements from a row of a to the next, >= 1
  int64_t ldc = 0;            // >= n
  const int8_t* a = nullptr;  // [(m - 1) * lda + k]
  const int8_t* b = nullptr;  // packed_bytes(n, k), 64-byte aligned, from pack()
  int32_t* c = nullptr;       // [m][ldc]; columns n..ldc are left alone
};

// b from rows b[n][ldb], ldb >= k. `packed` has packed_bytes(n, k) bytes.
void pack(const int8_t* b, int64_t ldb, int n, int k, int8_t* packed);

struct Op {
  using Args = gemm_s8::Args;
  static constexpr std::string_view name = "gemm_s8";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 2 * a.m * a.n * a.k,
            .bytes = a.m * a.lda + packed_bytes(a.n, a.k) + 4 * a.m * a.n,
            .arithmetic = Arithmetic::int8};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::gemm_s8
