// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <array>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/fold_s8/fold_s8.h"

namespace nibble::fold_s8 {

// As large as the contract allows: |w << shift| + |e| <= 127.
inline void fill_random(Args& a, Random& rng) {
  const int64_t size = int64_t(a.n) * a.k;
  const int w_max = a.sign ? 63 >> a.shift : 127 >> a.shift;
  fill_i8(a.w, size, rng, -w_max, w_max);
  if (a.sign) fill_i8(a.e, size, rng, -64, 64);
}
inline void fill_ternary(Args& a, Random& rng) {
  const int64_t size = int64_t(a.n) * a.k;
  fill_i8(a.w, size, rng, -1, 1);
  if (a.sign) fill_i8(a.e, size, rng, -4, 4);
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  for (int n : {1, 16, 23, 80})
    for (int k : {1, 4, 7, 33, 64, 130})
      for (auto [shift, sign] : {std::array{0, 0}, {3, 1}, {4, -1}, {0, -1}, {5, 1}})
        all.push_back({.name = "n" + std::to_string(n) + "_k" + std::to_string(k) + "_shift" +
                               std::to_string(shift) + "_sign" + std::to_string(sign),
                       .args = {.n = n, .k = k, .shift = shift, .sign = sign},
                       .seed = seed++,
                       .fill = fill_random});
  all.push_back(
      {.name = "shift6", .args = {.n = 40, .k = 40, .shift = 6, .sign = 1}, .fill = fill_ternary});
  all.push_back({.name = "bench_512x512",
                 .args = {.n = 512, .k = 512, .shift = 3, .sign = 1},
                 .fill = fill_ternary,
                 .bench = true});
  return all;
}

}  // namespace nibble::fold_s8
