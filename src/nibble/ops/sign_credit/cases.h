// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/sign_credit/sign_credit.h"

namespace nibble::sign_credit {

inline void fill_random(Args& a, Random& rng) {
  for (int p = 0; p < a.perturbations; ++p)
    writable(a.credit)[p] = int32_t(rng.next32()) >> 7 >> rng.below(12);
  for (int64_t i = 0; i < a.perturbations * sign_words(a.k, a.n); ++i)
    writable(a.e)[i] = uint16_t(rng.next32());
  for (int64_t i = 0; i < int64_t(a.k) * a.n; ++i) a.g[i] = int32_t(rng.next32()) >> 2;
  a.magnitude[0] = 1 << 20;
}
// All codes at their bound with bits set: what 16-bit sums hold at once is at its bound too. Then
// credits half way between two codes, of either sign.
inline void fill_worst(Args& a, Random& rng) {
  fill_random(a, rng);
  for (int p = 0; p < a.perturbations; ++p) {
    writable(a.credit)[p] = p < 256 ? 1 << 24 : ((p & 63) * 2 - 63) << a.shift >> 1;
    for (int64_t i = 0; p < 256 && i < sign_words(a.k, a.n); ++i)
      writable(a.e)[p * sign_words(a.k, a.n) + i] = i % 3 == 0 ? 0x7fff : 0xffff;
  }
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  const auto shape = [](int p, int k, int n) {
    return "p" + std::to_string(p) + "_k" + std::to_string(k) + "_n" + std::to_string(n);
  };
  for (int p : {1, 16, 33})
    for (int k : {16, 48, 160})
      for (int n : {16, 80})
        all.push_back({.name = shape(p, k, n),
                       .args = {.perturbations = p, .k = k, .n = n, .columns = n, .shift = 11},
                       .seed = seed++,
                       .fill = fill_random});
  for (int columns : {17, 18, 31})
    all.push_back({.name = "columns" + std::to_string(columns),
                   .args = {.perturbations = 5, .k = 32, .n = 32, .columns = columns, .shift = 9},
                   .seed = seed++,
                   .fill = fill_random});
  for (int shift : {0, 6})
    all.push_back({.name = "worst_shift" + std::to_string(shift),
                   .args = {.perturbations = 520, .k = 16, .n = 32, .columns = 32, .shift = shift},
                   .fill = fill_worst});
  for (int p : {8, 16})
    all.push_back({.name = "bench_" + shape(p, 256, 128),
                   .args = {.perturbations = p, .k = 256, .n = 128, .columns = 128, .shift = 11},
                   .fill = fill_random,
                   .bench = true});
  return all;
}

}  // namespace nibble::sign_credit
