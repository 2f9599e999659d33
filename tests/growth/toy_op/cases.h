#pragma once
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/toy_op/toy_op.h"

namespace nibble::toy_op {

inline void fill(Args& a, Random& rng) {
  constexpr int64_t kMax = 1 << 29;
  for (int64_t i = 0; i < a.n; ++i)
    writable(a.x)[i] = int32_t(int64_t(rng.below(uint64_t(2 * kMax + 1))) - kMax);
}

inline void fill_worst(Args& a, Random&) {
  for (int64_t i = 0; i < a.n; ++i) writable(a.x)[i] = i % 2 == 0 ? 1 << 29 : -(1 << 29);
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  for (int64_t n : {1, 7, 3000})
    all.push_back({.name = "n" + std::to_string(n), .args = {.n = n}, .fill = fill});
  all.push_back({.name = "worst", .args = {.n = 5}, .fill = fill_worst});
  all.push_back({.name = "bench_n1048576", .args = {.n = 1 << 20}, .fill = fill, .bench = true});
  return all;
}

}  // namespace nibble::toy_op
