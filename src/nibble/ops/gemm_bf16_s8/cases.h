// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <cmath>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/gemm_bf16_s8/gemm_bf16_s8.h"

namespace nibble::gemm_bf16_s8 {

template <class Weight>
void fill_with(Args& a, Random& rng, Weight weight) {
  fill_i8(a.x, (a.m - 1) * a.ldx + a.k, rng);
  for (int64_t i = 0; i < int64_t(a.n) * a.k; ++i) writable(a.w)[i] = weight_of(weight(i));
  for (int64_t i = 0; i < (a.m - 1) * a.ldy + a.n; ++i) a.y[i] = int32_t(rng.next32());
}
// What a matrix of the trainer holds.
inline void fill_random(Args& a, Random& rng) {
  fill_with(a, rng, [&](int64_t) { return rng.uniform(-1024, 1024); });
}
// Every magnitude from the least to sums beyond 2^30, which are clamped; a few zeros.
inline void fill_wide(Args& a, Random& rng) {
  fill_with(a, rng, [&](int64_t i) {
    const float x = std::ldexp(rng.uniform(1, 2), int(rng.below(96)) - 66);  // 2^-66 becomes 0
    return i % 3 == 0 ? -x : x;
  });
}
// Sums that cancel: half-way cases, and what is left of 2^24 minus nearly as much.
inline void fill_cancelling(Args& a, Random& rng) {
  fill_with(a, rng, [&](int64_t i) {
    const float large = i % 4 < 2 ? 0x1p24f : -0x1p24f;
    return rng.below(4) == 0 ? large : 0.5f * float(int(rng.below(5)) - 2);
  });
  for (int64_t i = 0; i < (a.m - 1) * a.ldx + a.k; ++i)
    writable(a.x)[i] = int8_t(int(rng.below(3)) - 1);
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  const auto add = [&](std::string name, int64_t m, int n, int k, int64_t ldx,
                       void (*fill)(Args&, Random&), bool bench = false) {
    name += "_m" + std::to_string(m) + "_n" + std::to_string(n) + "_k" + std::to_string(k);
    all.push_back({.name = name,
                   .args = {.m = m, .n = n, .k = k, .ldx = ldx, .ldy = bench ? n : n + 3},
                   .seed = seed++,
                   .fill = fill,
                   .bench = bench});
  };
  for (int m : {1, 7, 8, 65})
    for (int n : {16, 32, 48, 80})
      for (int k : {16, 48, 144}) add("full", m, n, k, k, fill_random);
  for (int n : {16, 32, 48}) add("wide", 11, n, 96, 32, fill_wide);
  for (int n : {16, 32, 48}) add("cancelling", 9, n, 256, 256, fill_cancelling);
  add("overlap", 40, 48, 96, 32, fill_random);
  add("deep", 9, 16, kMaxK, 16, fill_random);
  struct Shape {
    int m, n, k;
  };
  for (const Shape s : {Shape{64, 128, 256}, {64, 80, 128}, {64, 64, 128}, {1024, 256, 256}})
    add("bench", s.m, s.n, s.k, s.k, fill_random, true);
  return all;
}

}  // namespace nibble::gemm_bf16_s8
