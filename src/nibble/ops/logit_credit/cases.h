// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/logit_credit/logit_credit.h"

namespace nibble::logit_credit {

// Distributions from nearly flat to nearly certain, padded columns at zero.
inline void fill_random(Args& a, Random& rng) {
  for (int64_t r = 0; r < a.rows; ++r) {
    const int symbols = a.n - int(rng.below(16));
    float* g = writable(a.gradient) + r * a.n;
    double sum = 0;
    for (int j = 0; j < a.n; ++j) {
      const float u = rng.uniform();
      g[j] = j >= symbols ? 0 : r % 2 == 0 ? 0.5f + u : 1.0f / (1e-4f + u * u * float(j));
      sum += g[j];
    }
    for (int j = 0; j < a.n; ++j) g[j] = float(g[j] / sum);
    const auto target = uint8_t(rng.below(uint64_t(symbols)));
    writable(a.target)[r] = target;
    g[target] -= 1;
  }
  for (int64_t i = 0; i < a.lanes * a.rows * a.n / 16; ++i)
    writable(a.noise)[i] = uint16_t(rng.next32());
}

// The target certain, impossible or one of equals; noise all set, all clear or only at the target.
inline void fill_certain(Args& a, Random&) {
  for (int64_t r = 0; r < a.rows; ++r) {
    const int target = int(r * 7 % a.n);
    writable(a.target)[r] = uint8_t(target);
    for (int j = 0; j < a.n; ++j) {
      const float certain = j == target, other = j == (target + 1) % a.n;
      const float p = r % 3 == 0 ? certain : r % 3 == 1 ? other : 1.0f / float(a.n);
      writable(a.gradient)[r * a.n + j] = p - certain;
    }
    for (int lane = 0; lane < a.lanes; ++lane)
      for (int w = 0; w < a.n / 16; ++w)
        writable(a.noise)[(lane * a.rows + r) * (a.n / 16) + w] = lane == 0   ? 0xffff
                                                                  : lane == 1 ? 0
                                                                  : w == target / 16
                                                                      ? uint16_t(1 << target % 16)
                                                                      : 0;
  }
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  for (int rows : {1, 35})
    for (int n : {16, 80, 256})
      for (float s : {0.05f, 0.2f, 3.0f})
        all.push_back({.name = "r" + std::to_string(rows) + "_n" + std::to_string(n) + "_s" +
                               std::to_string(int(100 * s)),
                       .args = {.rows = rows, .n = n, .lanes = 3, .s = s},
                       .seed = seed++,
                       .fill = fill_random});
  all.push_back({.name = "certain",
                 .args = {.rows = 32, .n = 80, .lanes = 3, .s = 4.0f},
                 .fill = fill_certain});
  all.push_back({.name = "bench_r64_n80_l8",
                 .args = {.rows = 64, .n = 80, .lanes = 8, .s = 0.2f},
                 .fill = fill_random,
                 .bench = true});
  return all;
}

}  // namespace nibble::logit_credit
