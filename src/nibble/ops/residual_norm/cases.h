// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/residual_norm/residual_norm.h"

namespace nibble::residual_norm {

inline void fill_random(Args& a, Random& rng) {
  const int64_t size = a.rows * a.n;
  fill_i8(a.x, size, rng);
  for (int64_t i = 0; a.with_acc && i < size; ++i)
    writable(a.acc)[i] = int32_t(rng.below(4001)) - 2000;
  const int64_t words = (a.rows + a.share - 1) / a.share * a.n / 16;
  for (int64_t i = 0; a.with_noise && i < words; ++i) writable(a.noise)[i] = uint16_t(rng.next32());
  for (int64_t r = 0; a.with_steps && r < a.rows; ++r)
    writable(a.steps)[r] = int32_t(rng.below(401)) - 200;
  // A row of zeros and a row of ones meet the floor of the divisor.
  for (int j = 0; a.rows > 2 && j < a.n; ++j) {
    writable(a.x)[j] = 0, writable(a.x)[a.n + j] = 1;
    if (a.with_acc) writable(a.acc)[j] = writable(a.acc)[a.n + j] = 0;
  }
}
inline void fill_wide(Args& a, Random& rng) {
  fill_random(a, rng);
  for (int64_t i = 0; a.with_acc && i < a.rows * a.n; ++i)
    writable(a.acc)[i] = int32_t(rng.next32()) >> rng.below(24) >> 1;
}

// Sums at both ends of int32 too.
inline void fill_largest(Args& a, Random& rng) {
  fill_wide(a, rng);
  for (int64_t i = 0; i < a.rows * a.n; i += 7)
    writable(a.acc)[i] = i % 2 != 0 ? INT32_MAX - int32_t(rng.below(200)) : INT32_MIN;
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  for (int rows : {1, 67})
    for (int n : {16, 48, 64, 128, 512}) {
      const std::string shape = "r" + std::to_string(rows) + "_n" + std::to_string(n);
      Args args{.rows = rows, .n = n, .scale = 0.077f, .step = 42};
      all.push_back({.name = shape + "_norm", .args = args, .seed = seed++, .fill = fill_random});
      args.with_acc = true;
      all.push_back({.name = shape + "_add", .args = args, .seed = seed++, .fill = fill_random});
      all.push_back({.name = shape + "_wide", .args = args, .seed = seed++, .fill = fill_wide});
      args.with_noise = true;
      all.push_back({.name = shape + "_noise", .args = args, .seed = seed++, .fill = fill_random});
      args.with_norm = false;
      all.push_back({.name = shape + "_only", .args = args, .seed = seed++, .fill = fill_random});
    }
  for (float scale : {1.0f, 1.5f})  // sums of any size
    all.push_back({.name = scale > 1 ? "coarse" : "increments",
                   .args = {.rows = 19, .n = 64, .scale = scale, .with_acc = true},
                   .fill = fill_largest});
  for (int n : {48, 128})
    all.push_back({.name = "shared_n" + std::to_string(n),
                   .args = {.rows = 67,
                            .n = n,
                            .scale = 0.077f,
                            .with_acc = true,
                            .with_noise = true,
                            .with_steps = true,
                            .share = 32},
                   .fill = fill_random});
  all.push_back({.name = "bench_r64_n128",
                 .args = {.rows = 64, .n = 128, .scale = 0.077f, .with_acc = true},
                 .fill = fill_random,
                 .bench = true});
  return all;
}

}  // namespace nibble::residual_norm
