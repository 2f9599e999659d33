// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/rank1_noise/rank1_noise.h"

namespace nibble::rank1_noise {

inline void fill_random(Args& a, Random& rng) {
  fill_i8(a.x, (a.rows - 1) * a.ldx + a.k, rng);
  for (int i = 0; i < a.k / 16; ++i) writable(a.f)[i] = uint16_t(rng.next32());
}
// The largest sum: every product positive.
inline void fill_worst(Args& a, Random& rng) {
  fill_random(a, rng);
  for (int64_t i = 0; i < (a.rows - 1) * a.ldx + a.k; ++i) writable(a.x)[i] = 127;
  for (int i = 0; i < a.k / 16; ++i) writable(a.f)[i] = 0xffff;
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  for (int rows : {1, 35})
    for (int k : {16, 48, 64, 112, 128, 192, 240, 256, 272, 528})
      all.push_back({.name = "r" + std::to_string(rows) + "_k" + std::to_string(k),
                     .args = {.rows = rows, .k = k, .ldx = k / 2, .unit = 0.164f},
                     .seed = seed++,
                     .fill = fill_random});
  all.push_back({.name = "worst",
                 .args = {.rows = 2, .k = kMaxK, .ldx = 16, .unit = 3.0f},
                 .fill = fill_worst});
  for (int k : {128, 256})
    all.push_back({.name = "bench_r32_k" + std::to_string(k),
                   .args = {.rows = 32, .k = k, .ldx = k / 2, .unit = 0.164f},
                   .fill = fill_random,
                   .bench = true});
  return all;
}

}  // namespace nibble::rank1_noise
