// Inputs for verify, test and bench. Deterministic: a case is its shape and its counter.
#pragma once
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/noise_bits/noise_bits.h"

namespace nibble::noise_bits {

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint32_t k = 1;
  for (int words : {4, 12, 32, 64, 68, 4096, 10004})
    all.push_back({.name = "w" + std::to_string(words),
                   .args = {.words = words,
                            .key = {k * 0x9E3779B9u, ~k},
                            .counter = {k, k * 77, 0xffffffffu - k}}}),
        ++k;
  all.push_back({.name = "bench_w2048", .args = {.words = 2048, .key = {1, 2}}, .bench = true});
  return all;
}

}  // namespace nibble::noise_bits
