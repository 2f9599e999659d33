// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/numerics/dense_cases.h"
#include "nibble/ops/gemm_fp16_runs/gemm_fp16_runs.h"

namespace nibble::gemm_fp16_runs {

// Runs of 32 products of 2016 = 63 * 32, of one sign each: partial sums are multiples of 2016 up to
// 64512, exact in 11 bits and the largest that are finite. One product more is infinite.
inline void fill_worst(Args& a, Random& rng) {
  fill_dense(a, [] { return 32.0f; });
  for (int64_t i = 0; i < a.m; ++i)
    for (int64_t k = 0; k < a.k; k += kRun) {
      const float x = rng.below(2) == 0 ? -63.0f : 63.0f;
      for (int64_t at = k; at < k + kRun && at < a.k; ++at) put(writable(a.x)[i * a.ldx + at], x);
    }
}
// Products of subnormal and of least normal halves, exact to the last bit of a half.
inline void fill_tiny(Args& a, Random& rng) {
  fill_dense(a, [&] { return float(int(rng.below(2)) * 2 - 1); });
  for (int64_t i = 0; i < (a.m - 1) * a.ldx + a.k; ++i)
    put(writable(a.x)[i], 0x1p-24f * float(int(rng.below(127)) - 63));
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  const auto add = [&](const std::string& kind, int m, int n, int k, auto fill, bool bench = false,
                       int more = 0) {
    all.push_back({.name = kind + "m" + std::to_string(m) + "_n" + std::to_string(n) + "_k" +
                           std::to_string(k),
                   .args = {.m = m, .n = n, .k = k, .ldx = k + more, .ldy = n + more},
                   .seed = seed++,
                   .fill = fill,
                   .bench = bench});
  };
  // Around tiles of 12 rows and pairs of panels, runs, and blocks of 512 columns. Integers up to 8:
  // their runs, up to 2048, are exact.
  for (int m : {1, 2, 3, 5, 8, 11, 12, 13, 25})
    for (int n : {1, 31, 33, 65}) add("", m, n, 1 + 9 * m, fill_dense_integers<Args>, false, n % 3);
  for (int k : {1, 31, 32, 33, 64, 65}) add("", 4, 64, k, fill_dense_integers<Args>);
  add("blocks_", 13, 33, 515, fill_dense_integers<Args>, false, 5);
  add("many_rows_", kDenseRowsAtOnce + 2, 2, 3, fill_dense_integers<Args>);
  for (int m : {1, 7}) add("random_", m, 70, 1040, fill_dense_random<Args>);
  for (int m : {1, 13}) add("worst_", m, 33, 100, fill_worst);
  add("tiny_", 3, 33, 70, fill_tiny);
  add("bench_", 1, 4096, 4096, fill_dense_random<Args>, true);
  add("bench_", 48, 64, 4096, fill_dense_random<Args>, true);  // lanes in C++ take 20 ns a product
  return all;
}

}  // namespace nibble::gemm_fp16_runs
