// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <array>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/gemm_s8/gemm_s8.h"

namespace nibble::gemm_s8 {

inline void fill_random(Args& a, Random& rng) {
  fill_i8(a.a, (a.m - 1) * a.lda + a.k, rng);
  std::vector<int8_t> b(size_t(a.n) * a.k);
  fill_i8(b.data(), int64_t(b.size()), rng);
  pack(b.data(), a.k, a.n, a.k, writable(a.b));
}

// Every product at its largest: what saturates a 16-bit pair sum or overflows a sum saturates here.
inline void fill_worst(Args& a, Random&) {
  for (int64_t i = 0; i < (a.m - 1) * a.lda + a.k; ++i) writable(a.a)[i] = i % 3 == 0 ? 127 : -127;
  std::vector<int8_t> b(size_t(a.n) * a.k);
  for (size_t i = 0; i < b.size(); ++i) b[i] = i % 2 == 0 ? -127 : 127;
  for (int k = 0; k < a.k; ++k) b[k] = a.a[k];  // column 0 meets row 0 with equal signs
  pack(b.data(), a.k, a.n, a.k, writable(a.b));
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  for (int m : {1, 3, 8, 65})
    for (int n : {1, 16, 33, 80})
      for (int k : {1, 4, 7, 64, 130})
        all.push_back(
            {.name = "m" + std::to_string(m) + "_n" + std::to_string(n) + "_k" + std::to_string(k),
             .args = {.m = m, .n = n, .k = k, .lda = k, .ldc = n},
             .seed = seed++,
             .fill = fill_random});
  all.push_back({.name = "overlap",
                 .args = {.m = 40, .n = 48, .k = 96, .lda = 32, .ldc = 64},
                 .fill = fill_random});
  // More of a than a task keeps a copy of.
  all.push_back({.name = "wide_rows",
                 .args = {.m = 64, .n = 48, .k = 130, .lda = 2001, .ldc = 48},
                 .fill = fill_random});
  all.push_back({.name = "worst",
                 .args = {.m = 9, .n = 17, .k = kMaxK, .lda = kMaxK, .ldc = 17},
                 .fill = fill_worst});
  for (auto [m, n, k] : {std::array{1024, 256, 256},
                         {1024, 80, 128},
                         {64, 128, 256},
                         {64, 80, 128},
                         {64, 80, 64},
                         {4096, 1024, 512}})
    all.push_back({.name = "bench_m" + std::to_string(m) + "_n" + std::to_string(n) + "_k" +
                           std::to_string(k),
                   .args = {.m = m, .n = n, .k = k, .lda = k, .ldc = n},
                   .fill = fill_random,
                   .bench = true});
  return all;
}

}  // namespace nibble::gemm_s8
