// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <cstdint>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/dequantise/dequantise.h"

namespace nibble::dequantise {

// Sums of all magnitudes: those above 2^24 are rounded.
inline void fill_random(Args& a, Random& rng) {
  for (int64_t i = 0; i < a.rows * a.n; ++i)
    writable(a.acc)[i] = int32_t(rng.next32()) >> rng.below(24) >> 1;
  const int64_t words = (a.rows + a.share - 1) / a.share * a.n / 16;
  for (int64_t i = 0; a.with_noise && i < words; ++i) writable(a.noise)[i] = uint16_t(rng.next32());
  for (int64_t r = 0; a.with_steps && r < a.rows; ++r)
    writable(a.steps)[r] = int32_t(rng.below(401)) - 200;
}

// The largest sums that the contract allows, and those around 2^24 where a float begins to round.
inline void fill_largest(Args& a, Random& rng) {
  fill_random(a, rng);
  const int32_t most = INT32_MAX - a.step;
  for (int64_t i = 0; i < a.rows * a.n; ++i) {
    const int32_t edge[] = {most, -most, 1 << 24, (1 << 24) + 1, -(1 << 24) - 1, (1 << 25) + 2, 0};
    writable(a.acc)[i] = edge[i % 7];
  }
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  for (int rows : {1, 67})
    for (int n : {16, 272})
      for (int every : {0, 1, 4})
        all.push_back({.name = "r" + std::to_string(rows) + "_n" + std::to_string(n) + "_e" +
                               std::to_string(every),
                       .args = {.rows = rows,
                                .n = n,
                                .scale = 0.00476f,
                                .step = 42,
                                .every = every ? every : 1,
                                .phase = every / 2,
                                .with_noise = every > 0},
                       .seed = seed++,
                       .fill = fill_random});
  all.push_back(
      {.name = "largest",
       .args = {.rows = 9, .n = 48, .scale = 0.00476f, .step = 42, .every = 2, .with_noise = true},
       .fill = fill_largest});
  all.push_back({.name = "shared",
                 .args = {.rows = 67,
                          .n = 48,
                          .scale = 0.00476f,
                          .with_noise = true,
                          .with_steps = true,
                          .share = 32},
                 .fill = fill_random});
  all.push_back({.name = "bench_r64_n272",
                 .args = {.rows = 64, .n = 272, .scale = 0.00476f},
                 .fill = fill_random,
                 .bench = true});
  return all;
}

}  // namespace nibble::dequantise
