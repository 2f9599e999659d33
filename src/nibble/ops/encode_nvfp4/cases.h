// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/numerics/float_cases.h"
#include "nibble/ops/encode_nvfp4/encode_nvfp4.h"

namespace nibble::encode_nvfp4 {

// As op magnitudes finds it.
inline void find_amax(Args& a) {
  std::vector<float> x(size_t(a.rows * a.cols));
  load_floats(a.x, 0, a.rows * a.cols, x.data());
  const int64_t pieces = a.per_row ? a.rows : 1, count = int64_t(x.size()) / pieces;
  for (int64_t r = 0; r < pieces; ++r) writable(a.amax)[r] = amax_of(&x[size_t(r * count)], count);
}

inline void fill_random(Args& a, Random& rng) {
  fill_likely(a.x, a.rows * a.cols, rng);
  find_amax(a);
}
inline void fill_ties(Args& a, Random& rng) {
  fill_hard(a.x, a.rows * a.cols, rng);
  find_amax(a);
}
inline void fill_nan(Args& a, Random& rng) {
  fill_not_finite(a.x, a.rows * a.cols, rng);
  find_amax(a);
}
// Infinities, and no NaN, in half of the blocks: the greatest magnitude is infinite.
inline void fill_infinite(Args& a, Random& rng) {
  fill_hard(a.x, a.rows * a.cols, rng);
  for (int64_t i = 0; i < a.rows * a.cols; i += 2 * kNvfp4Block) {
    const int64_t at = i + int64_t(rng.below(kNvfp4Block));
    put_float(a.x, at, bit_cast<float>(kFloatInf | rng.next32() << 31));
  }
  find_amax(a);
}
// A greatest magnitude that other tensors share, so that scales are small or 0.
inline void fill_shared_amax(Args& a, Random& rng) {
  fill_hard(a.x, a.rows * a.cols, rng);
  for (int64_t r = 0; r < (a.per_row ? a.rows : 1); ++r) writable(a.amax)[r] = 3e4f;
}
// Scales at ties, of likely tensors and of those whose own scale is near the end of floats, or past
// it.
inline void fill_scales(Args& a, Random& rng, float amax) {
  fill_scale_ties(a.x, 0, a.rows * a.cols, amax, rng);
  find_amax(a);
}
inline void fill_scales(Args& a, Random& rng) {
  fill_scales(a, rng, rng.below(2) == 0 ? 2688 : rng.uniform(1, 4));
}
inline void fill_tiny(Args& a, Random& rng) {
  fill_scales(a, rng, 0x1p-126f * rng.uniform(1e-4f, 1e6f));
}
inline void fill_huge(Args& a, Random& rng) {
  fill_scales(a, rng, 0x1p127f * rng.uniform(0.1f, 1));
}

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
  for (const auto& recipe : kNvfp4Recipes)
    for (const auto& f : kFills)
      for (const auto& type : kTypes)
        for (bool per_row : {false, true}) {
          const int cols = type.type == DType::f32 ? 48 : 16 * int(1 + seed % 21);
          all.push_back({.name = std::string(recipe.name) + "_" + f.name + "_" + type.name +
                                 (per_row ? "_rows" : ""),
                         .args = {.rows = 7,
                                  .cols = cols,
                                  .recipe = recipe.recipe,
                                  .per_row = per_row,
                                  .x = type.type},
                         .seed = seed++,
                         .fill = f.fill});
        }
  for (const auto& recipe : kNvfp4Recipes)
    all.push_back({.name = std::string(recipe.name) + "_shared_amax",
                   .args = {.rows = 19, .cols = 272, .recipe = recipe.recipe},
                   .seed = seed++,
                   .fill = fill_shared_amax});
  for (const auto& recipe : kNvfp4Recipes)
    all.push_back({.name = std::string(recipe.name) + "_infinite",
                   .args = {.rows = 3, .cols = 272, .recipe = recipe.recipe},
                   .seed = seed++,
                   .fill = fill_infinite});
  constexpr struct {
    const char* name;
    void (*fill)(Args&, Random&);
  } kScales[] = {{"scales", fill_scales}, {"tiny", fill_tiny}, {"huge", fill_huge}};
  for (const auto& recipe : kNvfp4Recipes)
    for (const auto& f : kScales)
      all.push_back({.name = std::string(recipe.name) + "_" + f.name,
                     .args = {.rows = 9, .cols = 528, .recipe = recipe.recipe},
                     .seed = seed++,
                     .fill = f.fill});
  for (const auto& recipe : kNvfp4Recipes)
    if (can_round_stochastically(recipe.recipe))
      all.push_back({.name = std::string(recipe.name) + "_stochastic",
                     .args = {.rows = 9,
                              .cols = 80,
                              .recipe = recipe.recipe,
                              .stochastic = {.on = true, .seed = seed, .stream = 3, .first = 6}},
                     .seed = seed++,
                     .fill = fill_ties});
  for (const auto& type : kTypes)
    for (const char* name : {"te", "modelopt"})
      all.push_back({.name = std::string("bench_") + name + "_" + type.name,
                     .args = {.rows = 2048,
                              .cols = 4096,
                              .recipe = {name[0] == 't' ? Nvfp4::te : Nvfp4::modelopt},
                              .x = type.type},
                     .fill = fill_random,
                     .bench = true});
  return all;
}

}  // namespace nibble::encode_nvfp4
