// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/decode_fp8/decode_fp8.h"

namespace nibble::decode_fp8 {

inline void fill_bytes(const void* p, int64_t count, Random& rng) {
  auto* bytes = static_cast<uint8_t*>(const_cast<void*>(p));
  for (int64_t i = 0; i < count; ++i) bytes[i] = uint8_t(rng.next32());
}

inline void fill_random(Args& a, Random& rng) {
  const Grid g = grid_of(a.tile, a.rows, a.cols);
  fill_bytes(a.codes, a.rows * a.cols, rng);
  if (a.ue8m0_scales)
    fill_bytes(a.scales_ue8m0, g.rows * g.cols, rng);
  else
    fill_f32(a.scales, g.rows * g.cols, rng, 1e-4f, 2);
}
// Scales at which products are subnormal, infinite, or NaN.
inline void fill_extreme(Args& a, Random& rng) {
  fill_random(a, rng);
  const Grid g = grid_of(a.tile, a.rows, a.cols);
  const float scale[] = {0x1p-140f,
                         3e38f,
                         0.0f,
                         bit_cast<float>(0x7f800000u),
                         0x1.23p-128f,
                         -1.5f,
                         bit_cast<float>(0xffc00001u)};
  const uint8_t byte[] = {0, 1, 255, 254, 127, 3, 250};
  for (int64_t i = 0; i < g.rows * g.cols; ++i)
    if (a.ue8m0_scales)
      writable(a.scales_ue8m0)[i] = {byte[rng.below(7)]};
    else
      writable(a.scales)[i] = scale[rng.below(7)];
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  constexpr struct {
    const char* name;
    DType type;
  } kTypes[] = {{"f32", DType::f32}, {"bf16", DType::bf16}};
  constexpr struct {
    const char* name;
    Tile tile;
  } kTiles[] = {{"tensor", Tile::tensor},
                {"row", Tile::row},
                {"row128", Tile::row_128},
                {"square128", Tile::square_128}};
  for (const auto& tile : kTiles)
    for (bool ue8m0_scales : {false, true})
      for (const auto& type : kTypes)
        for (auto fill : {fill_random, fill_extreme})
          all.push_back({.name = std::string(tile.name) + (ue8m0_scales ? "_ue8m0_" : "_f32_") +
                                 type.name + (fill == fill_random ? "_random" : "_extreme"),
                         .args = {.rows = int64_t(1 + seed % 5 * 33),
                                  .cols = int64_t(1 + seed * 37 % 300),
                                  .tile = tile.tile,
                                  .ue8m0_scales = ue8m0_scales,
                                  .y = type.type},
                         .seed = seed++,
                         .fill = fill});
  for (const auto& type : kTypes)
    all.push_back({.name = std::string("bench_square128_") + type.name,
                   .args = {.rows = 2048, .cols = 4096, .tile = Tile::square_128, .y = type.type},
                   .fill = fill_random,
                   .bench = true});
  return all;
}

}  // namespace nibble::decode_fp8
