// Inputs for verify, test and bench. There are none but the seed: a case is its arguments.
#pragma once
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/hash_noise/hash_noise.h"

namespace nibble::hash_noise {

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  for (int terms : {0, 1, 4, 127})
    for (int n : {1, 3, 8, 61, 40000})
      all.push_back(
          {.name = "n" + std::to_string(n) + "_terms" + std::to_string(terms),
           .args = {
               .seed = 0xe0b99a6c5be6f49du + uint64_t(n), .first = 5, .n = n, .terms = terms}});
  // The index wraps around 2^64 inside the tensor, as the 64-bit sums of the definition do.
  all.push_back(
      {.name = "wrap", .args = {.seed = ~uint64_t(0), .first = ~uint64_t(0) - 6, .n = 20}});
  all.push_back({.name = "bench_1m", .args = {.seed = 1, .n = 1 << 20}, .bench = true});
  return all;
}

}  // namespace nibble::hash_noise
