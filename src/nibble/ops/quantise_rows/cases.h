// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/numerics/float_cases.h"
#include "nibble/ops/quantise_rows/quantise_rows.h"

namespace nibble::quantise_rows {

inline int64_t elements(const Args& a) { return (a.rows - 1) * a.ldx + a.cols; }
inline void fill_random(Args& a, Random& rng) { fill_likely(a.x, elements(a), rng); }
inline void fill_ties(Args& a, Random& rng) { fill_hard(a.x, elements(a), rng); }
inline void fill_nan(Args& a, Random& rng) { fill_not_finite(a.x, elements(a), rng); }

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
  constexpr struct {
    const char* name;
    DType type;
  } kCodes[] = {{"s8", DType::i8}, {"s16", DType::i16}};
  for (const auto& code : kCodes)
    for (const auto& type : kTypes)
      for (const auto& f : kFills)
        for (int cols : {1, 16, 67, 300})
          all.push_back({.name = std::string(code.name) + "_" + type.name + "_" + f.name + "_c" +
                                 std::to_string(cols),
                         .args = {.rows = 9,
                                  .cols = cols,
                                  .ldx = cols + int(seed % 3),
                                  .code = code.type,
                                  .x = type.type},
                         .seed = seed++,
                         .fill = f.fill});
  for (const auto& code : kCodes)
    for (const auto& type : kTypes)
      for (int64_t rows : {1, 512, 2048})
        all.push_back(
            {.name = "bench_" + std::string(code.name) + "_" + type.name + "_m" +
                     std::to_string(rows) + "_k4096",
             .args = {.rows = rows, .cols = 4096, .ldx = 4096, .code = code.type, .x = type.type},
             .fill = fill_random,
             .bench = true});
  return all;
}

}  // namespace nibble::quantise_rows
