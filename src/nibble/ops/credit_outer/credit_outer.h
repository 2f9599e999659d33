// credit_outer:  g[k][n] += sum_t x[t][k] * z[t][n]       x, z int8 in [-127, 127], g int32
//
// The update GEMM: inputs of a weight matrix times what its outputs' noise earned, summed over
// tokens. x has any row stride, also one smaller than k: the inputs of a token shift overlap, as in
// gemm_s8.
//
// Exact while the sums fit: 127 * 127 * tokens of all calls together < 2^31, tokens <= 133143.
#pragma once
#include "nibble/base/op.h"

namespace nibble::credit_outer {

inline constexpr int64_t kMaxTokens = 133143;

struct Args {
  int64_t tokens = 0;
  int k = 0;                  // a multiple of 16
  int n = 0;                  // a multiple of 16
  int64_t ldx = 0;            // elements from a row of x to the next, >= 1
  const int8_t* x = nullptr;  // [(tokens - 1) * ldx + k]
  const int8_t* z = nullptr;  // [tokens][n]
  int32_t* g = nullptr;       // [k][n]
  int8_t* work = nullptr;     // work_bytes(), 64-byte aligned: x transposed and z interleaved
};

// x transposed in blocks of 16 tokens; z as groups of four tokens, and its column sums.
constexpr int64_t padded_tokens(int64_t tokens) { return (tokens + 15) / 16 * 16; }
constexpr int64_t work_bytes(int64_t tokens, int k, int n) {
  return padded_tokens(tokens) * (int64_t(k) + n) + 4 * int64_t(n);
}

struct Op {
  using Args = credit_outer::Args;
  static constexpr std::string_view name = "credit_outer";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&) { return {}; }
  static Work work(const Args& a) {
    return {.ops = 2 * a.tokens * a.k * a.n,
            .bytes = a.tokens * (a.ldx + a.n) + 8 * int64_t(a.k) * a.n,
            .arithmetic = Arithmetic::int8};
  }
};
static_assert(OpContract<Op>);

}  // namespace nibble::credit_outer
