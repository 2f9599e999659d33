// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/gelu_quantise/gelu_quantise.h"

namespace nibble::gelu_quantise {

// With sum_scale = 2^-20, u is in [-8, 8): both tails and the middle.
inline void fill_random(Args& a, Random& rng) {
  for (int64_t i = 0; i < a.rows * a.cols; ++i)
    writable(a.sum)[i] = int32_t(rng.below(1 << 24)) - (1 << 23);
  if (a.bias) fill_f32(a.bias, int64_t(a.bias_rows) * a.cols, rng, -0.5f, 0.5f);
}

// Sums as large as int32 has them: the cube overflows, tanh is +-1.
inline void fill_worst(Args& a, Random&) {
  for (int64_t i = 0; i < a.rows * a.cols; ++i)
    writable(a.sum)[i] = i % 3 == 0 ? 0x7fffffff : i % 3 == 1 ? -0x7fffffff - 1 : 0;
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  for (int cols : {1, 7, 16, 33, 128})
    for (int bias_rows : {0, 1, 5})
      for (float out_scale : {0.8f, 4.0f, 30.0f})
        all.push_back({.name = "cols" + std::to_string(cols) + "_bias" + std::to_string(bias_rows) +
                               "_scale" + std::to_string(int(out_scale)),
                       .args = {.rows = 70,
                                .cols = cols,
                                .bias_rows = bias_rows,
                                .sum_scale = 0x1p-20f,
                                .out_scale = out_scale},
                       .seed = seed++,
                       .fill = fill_random});
  all.push_back({.name = "worst",
                 .args = {.rows = 3, .cols = 20, .sum_scale = 1e20f, .out_scale = 1},
                 .fill = fill_worst});
  all.push_back({.name = "bench_4096x1024",
                 .args = {.rows = 4096, .cols = 1024, .sum_scale = 0x1p-20f, .out_scale = 4},
                 .fill = fill_random,
                 .bench = true});
  return all;
}

}  // namespace nibble::gelu_quantise
