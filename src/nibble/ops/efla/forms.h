// The two forms in any arithmetic T, one (sequence, head) at a time: plain, for the reference
// (double) and for the test that the forms agree.
#pragma once
#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

#include "nibble/numerics/fp16.h"
#include "nibble/ops/efla/efla.h"

namespace nibble::efla {

// What a token brings: its row of each input and the scalars of its rule.
template <class T>
struct Token {
  const float *q, *k, *v;
  T write;  // a
  T key;    // key = k * this
  T query;  // query = q * this
};

template <class T>
Token<T> token_of(const Args& a, int64_t s, int t, int h) {
  const auto at = [&](const float* p, const Strides& x) {
    return p + s * x.sequence + t * x.token + h * x.head;
  };
  Token<T> r{at(a.q, a.q_strides), at(a.k, a.k_strides), at(a.v, a.v_strides), 0, 1, 0};
  T kk = 0, qq = 0;
  for (int d = 0; d < a.key_dim; ++d) kk += T(r.k[d]) * r.k[d], qq += T(r.q[d]) * r.q[d];
  const T eps = a.eps, lambda = std::max(kk, eps);
  const T gate = 1 / (1 + std::exp(-(T(*at(a.beta, a.beta_strides)) + T(a.beta_bias))));
  if (a.rule == Rule::raw_key)
    r.write = -std::expm1(-gate * lambda) / (lambda + eps);
  else
    r.write = gate, r.key = 1 / std::sqrt(lambda + eps);
  r.query = 1 / std::sqrt(qq + eps);
  return r;
}

// S [key_dim][value_dim] is read and updated; out is [tokens][value_dim].
template <class T>
void recurrent(const Args& a, int64_t s, int h, T* S, T* out) {
  const int n = a.value_dim;
  for (int t = 0; t < a.tokens; ++t) {
    const Token<T> x = token_of<T>(a, s, t, h);
    for (int j = 0; j < n; ++j) {
      T read = 0, o = 0;
      for (int d = 0; d < a.key_dim; ++d) read += x.key * x.k[d] * S[d * n + j];
      const T step = x.write * (x.v[j] - read);
      for (int d = 0; d < a.key_dim; ++d) {
        T& cell = S[d * n + j];
        cell += x.key * x.k[d] * step;
        if (a.fp16_state) cell = to_float(to_fp16(cell));
        o += x.query * x.q[d] * cell;
      }
      out[t * n + j] = o;
    }
  }
}

template <class T>
void chunked(const Args& a, int64_t s, int h, T* S, T* out) {
  const int n = a.value_dim, C = a.chunk ? a.chunk : a.tokens;
  for (int first = 0; first < a.tokens; first += C) {
    const int count = std::min(C, a.tokens - first);
    std::vector<T> U(size_t(count) * n);
    std::vector<Token<T>> x;
    for (int i = 0; i < count; ++i) x.push_back(token_of<T>(a, s, first + i, h));
    for (int i = 0; i < count; ++i)
      for (int j = 0; j < n; ++j) {
        T read = 0, o = 0;
        for (int d = 0; d < a.key_dim; ++d) {
          read += x[i].k[d] * S[d * n + j];
          o += x[i].q[d] * S[d * n + j];
        }
        const auto past = [&](int to, const float* row) {
          T total = 0;
          for (int p = 0; p < to; ++p) {
            T gram = 0;
            for (int d = 0; d < a.key_dim; ++d) gram += T(row[d]) * x[p].k[d];
            total += gram * U[p * n + j];
          }
          return total;
        };
        // U carries the key's scale of its own token.
        U[i * n + j] = x[i].key * x[i].write * (x[i].v[j] - x[i].key * (read + past(i, x[i].k)));
        out[(first + i) * n + j] = x[i].query * (o + past(i + 1, x[i].q));
      }
    for (int d = 0; d < a.key_dim; ++d)
      for (int j = 0; j < n; ++j)
        for (int p = 0; p < count; ++p) S[d * n + j] += x[p].k[d] * U[p * n + j];
  }
}

}  // namespace nibble::efla
