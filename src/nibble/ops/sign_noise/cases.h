// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/sign_noise/sign_noise.h"

namespace nibble::sign_noise {

inline void fill_random(Args& a, Random& rng) {
  fill_i8(a.x, (a.rows - 1) * a.ldx + a.k, rng);
  for (int64_t i = 0; i < sign_words(a.k, a.n); ++i) writable(a.e)[i] = uint16_t(rng.next32());
  for (int64_t i = 0; i < a.rows * a.n; ++i) writable(a.acc)[i] = int32_t(rng.next32()) >> 2;
}
// The largest sums of both signs, beyond what a step is clamped to, and all pair sums at their
// bounds; the first column's signs are mixed.
inline void fill_worst(Args& a, Random& rng) {
  fill_random(a, rng);
  for (int64_t i = 0; i < (a.rows - 1) * a.ldx + a.k; ++i)
    writable(a.x)[i] = i / a.ldx % 2 == 0 ? 127 : -127;
  for (int64_t i = 0; i < sign_words(a.k, a.n); ++i)
    writable(a.e)[i] = i % 4 == 0 ? uint16_t(0xfff0 | rng.below(16)) : 0xffff;
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  const auto name = [](int r, int n, int k) {
    return "r" + std::to_string(r) + "_n" + std::to_string(n) + "_k" + std::to_string(k);
  };
  for (int rows : {1, 5, 16, 37, 65})
    for (int n : {16, 48})
      for (int k : {16, 48, 80, 256})
        all.push_back({.name = name(rows, n, k),
                       .args = {.rows = rows, .n = n, .k = k, .ldx = k / 2, .unit = 0.164f},
                       .seed = seed++,
                       .fill = fill_random});
  for (int k : {512, 528, kMaxK})  // around what 16-bit sums hold, and the most
    all.push_back({.name = "worst_k" + std::to_string(k),
                   .args = {.rows = 5, .n = 16, .k = k, .ldx = k, .unit = 3.0f},
                   .fill = fill_worst});
  struct Shape {
    int n, k;
  };
  for (const Shape s : {Shape{128, 256}, {64, 128}, {80, 64}, {1024, 512}})
    all.push_back({.name = "bench_" + name(32, s.n, s.k),
                   .args = {.rows = 32, .n = s.n, .k = s.k, .ldx = s.k, .unit = 0.164f},
                   .fill = fill_random,
                   .bench = true});
  return all;
}

}  // namespace nibble::sign_noise
