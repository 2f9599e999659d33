// efla: exact flow linear attention, a causal mixer with a matrix state
//
//   S_t = S_(t-1) + a_t key_t (v_t - S_(t-1)^T key_t)^T,    o_t = S_t^T query_t
//   query_t = q_t / sqrt(|q_t|^2 + eps)
//   b_t = sigmoid(beta_t + beta_bias),  l_t = max(|k_t|^2, eps)
//
//   rule       key                   a
//   raw_key    k                     -expm1(-b l) / (l + eps): dS/dt = k (v - S^T k)^T, solved
//   unit_key   k / sqrt(l + eps)     b: the delta rule
//
// per sequence and head, S [key_dim][value_dim], starting at zero or at state_in. unit_key is
// raw_key with keys of length one and softplus as gate, since 1 - exp(-softplus(x)) = sigmoid(x).
// A step is a convex combination along the key: each column has |S_t|^2 <= |S_0|^2 + t max|v|^2.
//
// Forms compute the same sums in other orders, so the form is part of the contract: variants agree
// bit for bit in one form, forms agree within the tolerance.
//
//   recurrent  Token by token: 3 key_dim value_dim multiply-adds. Generation is tokens = 1.
//   chunked    C tokens at a time. With G = K K^T and P = Q K^T solve the triangular system
//              U = a (V - K S_0 - strictly_lower(G) U); O = Q S_0 + lower(P) U; S = S_0 + K^T U.
//              C >= tokens from a zero state needs no state, and tokens (key_dim + value_dim)
//              multiply-adds a token.
#pragma once
#include "nibble/base/op.h"

namespace nibble::efla {

inline constexpr int kMaxKeyDim = 1024;

enum class Rule : uint8_t { raw_key, unit_key };
enum class Form : uint8_t { recurrent, chunked };

// Element [s][t][h][d] lies at s * sequence + t * token + h * head + d.
struct Strides {
  int64_t sequence = 0, token = 0, head = 0;
};
// heads * dim neighbouring columns of a matrix [sequences * tokens][ld].
constexpr Strides columns(int64_t ld, int tokens, int dim) { return {ld * tokens, ld, dim}; }

struct Args {
  int64_t sequences = 0;
  int tokens = 0, heads = 1;
  int key_dim = 0, value_dim = 0;  // of one head; key_dim <= kMaxKeyDim
  Rule rule = Rule::unit_key;
  Form form = Form::recurrent;
  int chunk = 0;  // chunked: C, or 0 for all tokens. recurrent: 0
  // recurrent only: S is rounded to fp16 values after each token, before o is formed; state_in
  // holds such values already. |S| < 65520.
  bool fp16_state = false;
  float eps = 1e-6f, beta_bias = 0;
  bool carry_in = false, carry_out = false;  // is there a state_in, a state_out
  int slots = 16;  // chunked: how many (sequence, head) pairs may run at once; sizes the workspace

  // Slices of one GEMM output, or of several: strides are those of columns() or the caller's own.
  Strides q_strides, k_strides, v_strides, beta_strides, out_strides;
  const float* q = nullptr;         // [key_dim]
  const float* k = nullptr;         // [key_dim]
  const float* v = nullptr;         // [value_dim]
  const float* beta = nullptr;      // one value a head
  float* out = nullptr;             // [value_dim]; may not overlap the inputs
  const float* state_in = nullptr;  // [sequences][heads][key_dim][value_dim]
  float* state_out = nullptr;       // the same; may be state_in
  float* workspace = nullptr;       // workspace_floats(), aligned to 64 bytes; null if that is 0
};

int64_t workspace_floats(const Args&);  // 0 in the recurrent form

struct Op {
  using Args = efla::Args;
  static constexpr std::string_view name = "efla";
  static constexpr bool bit_exact = true;
  static Status check(const Args&);
  static void buffers(Args&, BufferVisitor&);
  static void reference(const Args&);
  static std::span<const Variant<Args>> variants();
  static Tolerance tolerance(const Args&);  // derived in reference.cpp; reads v and state_in
  static Work work(const Args&);            // of the form asked for
};
static_assert(OpContract<Op>);

}  // namespace nibble::efla
