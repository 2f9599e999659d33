// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/head_norm/head_norm.h"

namespace nibble::head_norm {

// Heads of very different size; the first is zero and meets the floor.
inline void fill_random(Args& a, Random& rng) {
  for (int64_t h = 0; h < a.rows * a.heads; ++h) {
    const float size = h == 0 ? 0 : 1.0f / float(1u << rng.below(30));
    fill_f32(a.x + h * a.head_dim, a.head_dim, rng, -size, size);
  }
}

// Heads of one spike among zeros (clamped), all zero, all denormal, all equal (ties), all huge.
inline void fill_extremes(Args& a, Random&) {
  for (int64_t h = 0; h < a.rows * a.heads; ++h)
    for (int d = 0; d < a.head_dim; ++d) {
      const float sign = d % 2 ? -1 : 1;
      const float of_kind[] = {d == 5 ? 1e6f : 0, 0, sign * 1e-40f, sign * 0.5f, sign * 1e30f};
      writable(a.x)[h * a.head_dim + d] = of_kind[h % 5];
    }
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  for (int rows : {1, 67})
    for (int heads : {1, 4})
      for (int dim : {16, 48, 128})
        all.push_back({.name = "r" + std::to_string(rows) + "_h" + std::to_string(heads) + "_d" +
                               std::to_string(dim),
                       .args = {.rows = rows, .heads = heads, .head_dim = dim, .mean_code = 7.68f},
                       .seed = seed++,
                       .fill = fill_random});
  all.push_back({.name = "extremes",
                 .args = {.rows = 10, .heads = 2, .head_dim = 48, .mean_code = 7.5f},
                 .fill = fill_extremes});
  all.push_back({.name = "bench_r64_h4_d32",
                 .args = {.rows = 64, .heads = 4, .head_dim = 32, .mean_code = 7.68f},
                 .fill = fill_random,
                 .bench = true});
  return all;
}

}  // namespace nibble::head_norm
