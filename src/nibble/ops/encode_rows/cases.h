// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/numerics/float_cases.h"
#include "nibble/ops/encode_rows/encode_rows.h"

namespace nibble::encode_rows {

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
  for (const auto& f : kFormats)
    for (const auto& fill : kFills)
      for (const auto& type : kTypes)
        all.push_back({.name = std::string(f.name) + "_" + fill.name + "_" + type.name,
                       .args = {.rows = int64_t(1 + seed % 7),
                                .cols = 32 * int64_t(1 + seed * 5 % 17),
                                .x = type.type,
                                .to = {.format = f.format}},
                       .seed = seed++,
                       .fill = fill.fill});
  for (const auto& r : kNvfp4Recipes)
    if (!r.recipe.four_over_six && r.recipe.mode != Nvfp4::ggml &&
        r.recipe.mode != Nvfp4::torchao_single)
      all.push_back({.name = std::string("nvfp4_") + std::string(r.name) + "_ties",
                     .args = {.rows = 5,
                              .cols = 80,
                              .to = {.format = Format::nvfp4, .recipe = r.recipe.mode}},
                     .seed = seed++,
                     .fill = fill_ties});
  // More rows, and wider ones, than are encoded at once, on the CPU or on the device.
  for (const auto& f : kFormats)
    for (int64_t cols : {32, 4128, 24640})
      all.push_back({.name = std::string(f.name) + "_c" + std::to_string(cols),
                     .args = {.rows = cols == 32     ? 150
                                      : cols == 4128 ? 3
                                                     : 1,
                              .cols = cols,
                              .x = DType::bf16,
                              .to = {.format = f.format}},
                     .seed = seed++,
                     .fill = fill_random});
  for (const auto& f : kFormats)
    all.push_back(
        {.name = std::string("bench_") + std::string(f.name) + "_bf16",
         .args = {.rows = 2048, .cols = 4096, .x = DType::bf16, .to = {.format = f.format}},
         .fill = fill_random,
         .bench = true});
  return all;
}

}  // namespace nibble::encode_rows
