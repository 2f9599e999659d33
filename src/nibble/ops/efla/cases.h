// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <vector>

#include "nibble/base/case.h"
#include "nibble/numerics/fp16.h"
#include "nibble/ops/efla/efla.h"

namespace nibble::efla {

// The value of element (s, t, h, d) of q, k, v or beta.
enum class Input : uint8_t { q, k, v, beta };
template <class Value>
void fill_with(Args& a, Random& rng, Value value) {
  const auto one = [&](const float* p, const Strides& x, int dim, Input which) {
    for (int64_t s = 0; s < a.sequences; ++s)
      for (int t = 0; t < a.tokens; ++t)
        for (int h = 0; h < a.heads; ++h)
          for (int d = 0; d < dim; ++d)
            writable(p)[s * x.sequence + t * x.token + h * x.head + d] = value(which, t, d);
  };
  one(a.q, a.q_strides, a.key_dim, Input::q);
  one(a.k, a.k_strides, a.key_dim, Input::k);
  one(a.v, a.v_strides, a.value_dim, Input::v);
  one(a.beta, a.beta_strides, 1, Input::beta);
  const int64_t cells = a.sequences * a.heads * a.key_dim * int64_t(a.value_dim);
  for (int64_t i = 0; a.state_in && i < cells; ++i) {
    const float x = rng.uniform(-1, 1);
    writable(a.state_in)[i] = a.fp16_state ? to_float(to_fp16(x)) : x;
  }
  // Gaps between the rows of out must stay as they are.
  for (int64_t s = 0; s < a.sequences; ++s)
    for (int t = 0; t < a.tokens; ++t)
      for (int64_t d = 0; d < (a.heads - 1) * a.out_strides.head + a.value_dim; ++d)
        a.out[s * a.out_strides.sequence + t * a.out_strides.token + d] = 7;
}

inline void fill_random(Args& a, Random& rng) {
  fill_with(a, rng, [&](Input w, int, int) {
    return w == Input::beta ? rng.uniform(-4, 4) : rng.uniform(-1, 1);
  });
}
// Keys that are all zero, or zero for some tokens: the floor of the length acts.
inline void fill_zero_keys(Args& a, Random& rng) {
  fill_with(a, rng, [&](Input w, int t, int) {
    return w == Input::k && t % 3 != 1 ? 0.0f : w == Input::q && t % 2 ? 0.0f : rng.uniform(-1, 1);
  });
}
// Gates at 0 and 1 exactly, and near: sigmoid under- and overflows, expm1 saturates.
inline void fill_saturated(Args& a, Random& rng) {
  fill_with(a, rng, [&](Input w, int t, int) {
    constexpr float gates[] = {-1e4f, 1e4f, -90, 30, -20, 88, 0};
    return w == Input::beta ? gates[t % 7] : rng.uniform(-1, 1);
  });
}
// Every token writes to the same direction, from tiny to huge keys.
inline void fill_parallel_keys(Args& a, Random& rng) {
  fill_with(a, rng, [&](Input w, int t, int d) {
    constexpr float lengths[] = {1, 1e-4f, 1e3f, 0.3f, 40};
    if (w == Input::k) return lengths[t % 5] * (d % 3 == 0 ? -1.0f : 0.5f);
    return w == Input::beta ? rng.uniform(-2, 6) : rng.uniform(-100, 100);
  });
}

// q, k, v and beta side by side in rows that are `gap` wider.
inline Args one_matrix(Args a, int gap) {
  const int64_t ld = int64_t(a.heads) * (2 * a.key_dim + a.value_dim + 1) + gap;
  a.q_strides = a.k_strides = columns(ld, a.tokens, a.key_dim);
  a.v_strides = columns(ld, a.tokens, a.value_dim);
  a.beta_strides = columns(ld, a.tokens, 1);
  a.out_strides = columns(int64_t(a.heads) * a.value_dim + gap, a.tokens, a.value_dim);
  return a;
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  // Both forms, both rules; chunks that do and do not divide the tokens, and one over all.
  const auto add = [&](const std::string& name, Args a, void (*fill)(Args&, Random&)) {
    a = one_matrix(a, 3);
    for (Rule rule : {Rule::raw_key, Rule::unit_key})
      for (int chunk : {-1, 0, 4}) {
        a.rule = rule, a.form = chunk < 0 ? Form::recurrent : Form::chunked;
        a.chunk = chunk < 0 ? 0 : chunk, a.slots = 3;
        all.push_back({.name = name + (rule == Rule::raw_key ? "_raw" : "_unit") +
                               (chunk < 0   ? "_recurrent"
                                : chunk > 0 ? "_chunks"
                                            : "_one_chunk"),
                       .args = a,
                       .seed = seed++,
                       .fill = fill});
      }
  };
  const auto shape = [](int sequences, int tokens, int heads, int dk, int dv) {
    return Args{
        .sequences = sequences, .tokens = tokens, .heads = heads, .key_dim = dk, .value_dim = dv};
  };
  const auto carried = [](Args a, bool in, bool out) {
    a.carry_in = in, a.carry_out = out;
    return a;
  };
  add("product", shape(3, 32, 4, 16, 32), fill_random);
  add("one_token", carried(shape(2, 1, 3, 16, 32), true, true), fill_random);
  add("one_by_one", carried(shape(1, 5, 1, 1, 1), false, true), fill_random);
  add("odd", shape(2, 9, 2, 7, 19), fill_random);
  add("odd_carried", carried(shape(2, 11, 2, 17, 50), true, false), fill_random);
  add("long", carried(shape(1, 130, 1, 33, 33), true, true), fill_random);
  // Two heads of 16 x 16 are one's work: an odd one, and scalars for more than 128 tokens.
  add("odd_heads", carried(shape(1, 130, 3, 16, 9), true, true), fill_random);
  add("odd_sequences", shape(3, 33, 1, 16, 16), fill_random);
  add("zero_keys", carried(shape(2, 12, 2, 16, 16), false, true), fill_zero_keys);
  add("saturated", carried(shape(2, 14, 1, 12, 20), true, true), fill_saturated);
  add("parallel_keys", shape(1, 20, 2, 18, 8), fill_parallel_keys);

  Args wide = one_matrix(shape(1, 8, 1, 512, 512), 1);  // one head of the hidden width
  wide.rule = Rule::raw_key;
  all.push_back({.name = "wide_recurrent", .args = wide, .fill = fill_random});
  wide.fp16_state = true;
  all.push_back({.name = "wide_fp16", .args = wide, .fill = fill_random});
  wide.fp16_state = false, wide.form = Form::chunked;
  all.push_back({.name = "wide_one_chunk", .args = wide, .fill = fill_random});
  Args half = one_matrix(carried(shape(2, 40, 2, 24, 20), true, true), 0);
  half.fp16_state = true;
  all.push_back({.name = "fp16_carried", .args = half, .fill = fill_random});

  // Each input in a matrix of its own: the harness gives every buffer its own memory.
  const auto bench = [&](const std::string& name, Args a, Rule rule, Form form, int chunk) {
    a.q_strides = a.k_strides = columns(a.heads * a.key_dim, a.tokens, a.key_dim);
    a.v_strides = a.out_strides = columns(a.heads * a.value_dim, a.tokens, a.value_dim);
    a.beta_strides = columns(a.heads, a.tokens, 1);
    a.rule = rule, a.form = form, a.chunk = chunk;
    all.push_back({.name = "bench_" + name, .args = a, .fill = fill_random, .bench = true});
  };
  bench("product_recurrent", shape(256, 32, 4, 16, 32), Rule::unit_key, Form::recurrent, 0);
  bench("narrow_recurrent", shape(256, 32, 4, 16, 16), Rule::unit_key, Form::recurrent, 0);
  bench("product_chunk", shape(256, 32, 4, 16, 32), Rule::unit_key, Form::chunked, 0);
  for (const int tokens : {128, 512, 2048}) {
    const std::string name = "product_t" + std::to_string(tokens);
    const Args a = shape(8192 / tokens, tokens, 4, 16, 32);
    bench(name + "_recurrent", a, Rule::unit_key, Form::recurrent, 0);
    bench(name + "_chunks", a, Rule::unit_key, Form::chunked, 32);
  }
  bench("wide_recurrent", shape(2, 128, 1, 512, 512), Rule::raw_key, Form::recurrent, 0);
  bench("wide_chunk", shape(2, 128, 1, 512, 512), Rule::raw_key, Form::chunked, 0);
  bench("long_chunks", shape(1, 1024, 1, 128, 128), Rule::unit_key, Form::chunked, 64);
  bench("long_recurrent", shape(1, 1024, 1, 128, 128), Rule::unit_key, Form::recurrent, 0);
  return all;
}

}  // namespace nibble::efla
