// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <array>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/credit_outer/credit_outer.h"

namespace nibble::credit_outer {

inline void fill_random(Args& a, Random& rng) {
  fill_i8(a.x, (a.tokens - 1) * a.ldx + a.k, rng);
  fill_i8(a.z, a.tokens * a.n, rng);
  for (int64_t i = 0; i < int64_t(a.k) * a.n; ++i) a.g[i] = int32_t(rng.below(2000001)) - 1000000;
}
// Every product at its largest, with both signs: pair sums and totals meet their limits.
inline void fill_worst(Args& a, Random&) {
  for (int64_t i = 0; i < (a.tokens - 1) * a.ldx + a.k; ++i)
    writable(a.x)[i] = i % a.ldx % 2 == 0 ? 127 : -127;
  for (int64_t i = 0; i < a.tokens * a.n; ++i) writable(a.z)[i] = i % 2 == 0 ? 127 : -127;
  for (int64_t i = 0; i < int64_t(a.k) * a.n; ++i) a.g[i] = 0;
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  for (int tokens : {1, 3, 16, 66})
    for (int k : {16, 48, 144})
      for (int n : {16, 32, 80})
        all.push_back({.name = "t" + std::to_string(tokens) + "_k" + std::to_string(k) + "_n" +
                               std::to_string(n),
                       .args = {.tokens = tokens, .k = k, .n = n, .ldx = k + tokens % 2},
                       .seed = seed++,
                       .fill = fill_random});
  all.push_back({.name = "overlap",
                 .args = {.tokens = 40, .k = 96, .n = 48, .ldx = 32},
                 .fill = fill_random});
  // Token shifts: whole ones, of rows that do and do not fit blocks of 16; the last token ends one.
  for (auto [t, k, ldx] : {std::array{13, 128, 64},
                           {16, 32, 16},
                           {29, 48, 16},
                           {35, 96, 24},
                           {67, 256, 16},
                           {30, 48, 32}})
    all.push_back({.name = "shift_t" + std::to_string(t) + "_k" + std::to_string(k) + "_ld" +
                           std::to_string(ldx),
                   .args = {.tokens = t, .k = k, .n = 48, .ldx = ldx},
                   .seed = seed++,
                   .fill = fill_random});
  all.push_back({.name = "worst",
                 .args = {.tokens = kMaxTokens, .k = 16, .n = 16, .ldx = 16},
                 .fill = fill_worst});
  for (auto [t, k, n] : {std::array{66, 256, 256}, {64, 256, 128}, {64, 128, 80}})
    all.push_back({.name = "bench_t" + std::to_string(t) + "_k" + std::to_string(k) + "_n" +
                           std::to_string(n),
                   .args = {.tokens = t, .k = k, .n = n, .ldx = k},
                   .fill = fill_random,
                   .bench = true});
  all.push_back({.name = "bench_t256_k512_n256_ld128",
                 .args = {.tokens = 256, .k = 512, .n = 256, .ldx = 128},
                 .fill = fill_random,
                 .bench = true});
  return all;
}

}  // namespace nibble::credit_outer
