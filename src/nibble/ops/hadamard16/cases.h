// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/numerics/float_cases.h"
#include "nibble/ops/hadamard16/hadamard16.h"

namespace nibble::hadamard16 {

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
      for (bool inverse : {false, true})
        for (DType y : {DType::f32, DType::bf16})
          all.push_back({.name = std::string(type.name) + "_" + f.name +
                                 (inverse ? "_inverse" : "") + (y == DType::f32 ? "_f32" : "_bf16"),
                         .args = {.rows = 7,
                                  .cols = 80,
                                  .signs = uint16_t(seed % 3 == 0 ? 0x1234 : kHadamardSigns),
                                  .inverse = inverse,
                                  .x = type.type,
                                  .y = y},
                         .seed = seed++,
                         .fill = f.fill});
  for (const auto& type : kTypes)
    all.push_back({.name = std::string("bench_") + type.name,
                   .args = {.rows = 2048, .cols = 4096, .x = type.type, .y = DType::bf16},
                   .fill = fill_random,
                   .bench = true});
  return all;
}

}  // namespace nibble::hadamard16
