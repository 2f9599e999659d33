// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/numerics/float_cases.h"
#include "nibble/ops/encode_fp8/encode_fp8.h"

namespace nibble::encode_fp8 {

inline void find_amax(Args& a) {
  if (a.tile != Tile::tensor) return;
  std::vector<float> x(size_t(a.rows * a.cols));
  load_floats(a.x, 0, a.rows * a.cols, x.data());
  *writable(a.amax) = amax_of(x.data(), a.rows * a.cols);
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
    Tile tile;
  } kTiles[] = {{"tensor", Tile::tensor},
                {"row", Tile::row},
                {"row128", Tile::row_128},
                {"square128", Tile::square_128}};
  constexpr struct {
    const char* name;
    Fp8Scale scale;
  } kScales[] = {{"f32", Fp8Scale::f32}, {"bf16", Fp8Scale::bf16}, {"ue8m0", Fp8Scale::ue8m0}};
  for (const auto& tile : kTiles)
    for (const auto& scale : kScales)
      for (const auto& f : kFills)
        for (const auto& type : kTypes)
          all.push_back(
              {.name = std::string(tile.name) + "_" + scale.name + "_" + f.name + "_" + type.name,
               .args = {.rows = int64_t(1 + seed % 5 * 33),
                        .cols = int64_t(1 + seed * 37 % 300),
                        .tile = tile.tile,
                        .scale = scale.scale,
                        .x = type.type},
               .seed = seed++,
               .fill = f.fill});
  for (const auto& tile : kTiles)
    for (const auto& type : kTypes)
      all.push_back({.name = std::string("bench_") + tile.name + "_" + type.name,
                     .args = {.rows = 2048, .cols = 4096, .tile = tile.tile, .x = type.type},
                     .fill = fill_random,
                     .bench = true});
  return all;
}

}  // namespace nibble::encode_fp8
