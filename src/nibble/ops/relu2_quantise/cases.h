// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/relu2_quantise/relu2_quantise.h"

namespace nibble::relu2_quantise {

inline void fill_noise(Args& a, Random& rng) {
  const int64_t words = (a.rows + a.share - 1) / a.share * a.n / 16;
  for (int64_t i = 0; a.with_noise && i < words; ++i) writable(a.noise)[i] = uint16_t(rng.next32());
  for (int64_t r = 0; a.with_steps && r < a.rows; ++r)
    writable(a.steps)[r] = int32_t(rng.below(401)) - 200;
}
inline void fill_random(Args& a, Random& rng) {
  for (int64_t i = 0; i < a.rows * a.n; ++i) writable(a.acc)[i] = int32_t(rng.below(2401)) - 1200;
  fill_noise(a, rng);
}
// Accumulators over their whole range: the conversion rounds, the square overflows the code.
inline void fill_wide(Args& a, Random& rng) {
  for (int64_t i = 0; i < a.rows * a.n; ++i)
    writable(a.acc)[i] = int32_t(rng.next32()) >> rng.below(24) >> 1;
  fill_noise(a, rng);
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  for (int rows : {1, 65})
    for (int n : {16, 48, 256})
      for (bool noise : {false, true}) {
        const std::string shape =
            "r" + std::to_string(rows) + "_n" + std::to_string(n) + (noise ? "_noise" : "");
        const Args args{.rows = rows, .n = n, .unit = 0.019f, .step = 42, .with_noise = noise};
        all.push_back({.name = shape, .args = args, .seed = seed++, .fill = fill_random});
        all.push_back({.name = shape + "_wide", .args = args, .seed = seed++, .fill = fill_wide});
      }
  for (int n : {48, 128})
    all.push_back({.name = "shared_n" + std::to_string(n),
                   .args = {.rows = 67,
                            .n = n,
                            .unit = 0.019f,
                            .with_noise = true,
                            .with_steps = true,
                            .share = 32},
                   .fill = fill_random});
  all.push_back({.name = "bench_r64_n256",
                 .args = {.rows = 64, .n = 256, .unit = 0.019f, .step = 42, .with_noise = true},
                 .fill = fill_random,
                 .bench = true});
  return all;
}

}  // namespace nibble::relu2_quantise
