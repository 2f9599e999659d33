// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/numerics/float_cases.h"
#include "nibble/ops/magnitudes/magnitudes.h"

namespace nibble::magnitudes {

inline void fill_random(Args& a, Random& rng) { fill_likely(a.x, a.rows * a.cols, rng); }
inline void fill_ties(Args& a, Random& rng) { fill_hard(a.x, a.rows * a.cols, rng); }
inline void fill_nan(Args& a, Random& rng) { fill_not_finite(a.x, a.rows * a.cols, rng); }

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  constexpr struct {
    const char* name;
    void (*fill)(Args&, Random&);
  } kFills[] = {{"random", fill_random}, {"ties", fill_ties}, {"nan", fill_nan}};
  constexpr struct {
    const char* name;
    DType type;
  } kTypes[] = {{"f32", DType::f32}, {"bf16", DType::bf16}, {"fp16", DType::fp16}};
  for (const auto& type : kTypes)
    for (const auto& f : kFills)
      for (int cols : {1, 16, 67, 300})
        all.push_back({.name = std::string(type.name) + "_" + f.name + "_c" + std::to_string(cols),
                       .args = {.rows = 9, .cols = cols, .with_sum = cols != 16, .x = type.type},
                       .seed = seed++,
                       .fill = f.fill});
  for (const auto& type : kTypes)
    all.push_back({.name = std::string("bench_") + type.name,
                   .args = {.rows = 2048, .cols = 4096, .with_sum = true, .x = type.type},
                   .fill = fill_random,
                   .bench = true});
  return all;
}

}  // namespace nibble::magnitudes
