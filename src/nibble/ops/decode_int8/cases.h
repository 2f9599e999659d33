// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/base/hd.h"
#include "nibble/ops/decode_int8/decode_int8.h"

namespace nibble::decode_int8 {

inline void fill_random(Args& a, Random& rng) {
  fill_i8(a.codes, a.rows * a.cols, rng, -128, 127);
  fill_f32(a.scales, a.rows, rng, 1e-4f, 2);
}
// Scales at which products are subnormal, infinite, or NaN.
inline void fill_extreme(Args& a, Random& rng) {
  fill_random(a, rng);
  const float scale[] = {0x1p-140f,
                         3e38f,
                         0.0f,
                         bit_cast<float>(0x7f800000u),
                         0x1.23p-128f,
                         -1.5f,
                         bit_cast<float>(0xffc00001u)};
  for (int64_t r = 0; r < a.rows; ++r) writable(a.scales)[r] = scale[uint64_t(r) % 7];
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  constexpr struct {
    const char* name;
    DType type;
  } kTypes[] = {{"f32", DType::f32}, {"bf16", DType::bf16}};
  for (const auto& type : kTypes)
    for (auto fill : {fill_random, fill_extreme})
      for (int cols : {1, 16, 67, 300})
        all.push_back({.name = std::string(type.name) +
                               (fill == fill_random ? "_random_c" : "_extreme_c") +
                               std::to_string(cols),
                       .args = {.rows = 9, .cols = cols, .y = type.type},
                       .seed = seed++,
                       .fill = fill});
  for (const auto& type : kTypes)
    all.push_back({.name = std::string("bench_") + type.name,
                   .args = {.rows = 2048, .cols = 4096, .y = type.type},
                   .fill = fill_random,
                   .bench = true});
  return all;
}

}  // namespace nibble::decode_int8
