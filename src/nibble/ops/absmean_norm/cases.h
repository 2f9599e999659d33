// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/absmean_norm/absmean_norm.h"

namespace nibble::absmean_norm {

// Increments of every size: most round to small integers, some saturate.
inline void fill_random(Args& a, Random& rng) {
  const int64_t n = a.rows * a.cols;
  fill_i8(a.x, n, rng);
  if (a.add) fill_f32(a.add, n, rng, -60, 60);
  if (a.sum)
    for (int64_t i = 0; i < n; ++i) writable(a.sum)[i] = int32_t(rng.next32()) >> 4;
}

// Small residuals, where the floor of the divisor acts, and increments that are ties.
inline void fill_small(Args& a, Random& rng) {
  const int64_t n = a.rows * a.cols;
  fill_i8(a.x, n, rng, -1, 1);
  for (int64_t i = 0; i < n; ++i) {
    const int halves = int(rng.below(7)) - 3;
    if (a.add) writable(a.add)[i] = 0.5f * float(halves);
    if (a.sum) writable(a.sum)[i] = halves << 20;
  }
}

inline void fill_worst(Args& a, Random&) {
  for (int64_t i = 0; i < a.rows * a.cols; ++i) {
    a.x[i] = i % 2 ? 127 : -127;
    if (a.add) writable(a.add)[i] = i % 2 ? 1e30f : -1e30f;
    if (a.sum) writable(a.sum)[i] = i % 2 ? 0x7fffffff : -0x7fffffff - 1;
  }
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  const auto add = [&](std::string name, Args a, void (*fill)(Args&, Random&)) {
    for (Add kind : {Add::none, Add::f32, Add::s32}) {
      a.add_kind = kind;
      all.push_back({.name = name + (kind == Add::none  ? "_plain"
                                     : kind == Add::f32 ? "_f32"
                                                        : "_s32"),
                     .args = a,
                     .seed = seed++,
                     .fill = fill});
    }
  };
  for (int cols : {1, 7, 16, 33, 416})
    add("cols" + std::to_string(cols),
        {.rows = 70, .cols = cols, .add_scale = 1.3f, .sum_scale = 0x1p-21f / 3, .scale = 0.9f},
        fill_random);
  add("small", {.rows = 5, .cols = 64, .sum_scale = 0x1p-21f}, fill_small);
  add("large_scale", {.rows = 5, .cols = 64, .sum_scale = 0x1p-21f, .scale = 100}, fill_small);
  add("worst", {.rows = 2, .cols = kMaxCols}, fill_worst);
  for (Add kind : {Add::f32, Add::s32})
    all.push_back({.name = kind == Add::f32 ? "bench_f32" : "bench_s32",
                   .args = {.rows = 4096, .cols = 512, .add_kind = kind, .sum_scale = 0x1p-21f},
                   .fill = fill_random,
                   .bench = true});
  return all;
}

}  // namespace nibble::absmean_norm
