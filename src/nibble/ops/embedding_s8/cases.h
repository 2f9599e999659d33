// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/embedding_s8/embedding_s8.h"

namespace nibble::embedding_s8 {

inline void fill_random(Args& a, Random& rng) {
  for (int64_t t = 0; t < a.tokens; ++t) writable(a.token)[t] = uint8_t(rng.below(a.vocab));
  fill_i8(a.table, int64_t(a.vocab) * a.dim, rng);
  if (a.has_noise) fill_i8(a.noise, int64_t(a.vocab) * a.dim, rng);
}

// Small integers with a scale of 1/8: every tie of the rounding occurs.
inline void fill_ternary(Args& a, Random& rng) {
  for (int64_t t = 0; t < a.tokens; ++t) writable(a.token)[t] = uint8_t(t % a.vocab);
  fill_i8(a.table, int64_t(a.vocab) * a.dim, rng, -1, 1);
  if (a.has_noise) fill_i8(a.noise, int64_t(a.vocab) * a.dim, rng, -4, 4);
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  for (int dim : {1, 7, 16, 33, 128})
    for (float scale : {0.0f, 0.125f, -0.37f, 3.0f})
      all.push_back({.name = "dim" + std::to_string(dim) + "_case" + std::to_string(seed),
                     .args = {.tokens = 300,
                              .dim = dim,
                              .vocab = 65,
                              .noise_scale = scale,
                              .has_noise = scale != 0},
                     .seed = seed++,
                     .fill = fill_random});
  for (float scale : {0.125f, -0.125f})
    all.push_back({.name = scale > 0 ? "ties_plus" : "ties_minus",
                   .args = {.tokens = 512, .dim = 64, .noise_scale = scale, .has_noise = true},
                   .fill = fill_ternary});
  all.push_back({.name = "bench_4096x512",
                 .args = {.tokens = 4096, .dim = 512, .noise_scale = 0.125f, .has_noise = true},
                 .fill = fill_ternary,
                 .bench = true});
  return all;
}

}  // namespace nibble::embedding_s8
