// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/decode_nvfp4/decode_nvfp4.h"

namespace nibble::decode_nvfp4 {

inline void fill_bytes(const void* p, int64_t count, Random& rng) {
  auto* bytes = static_cast<uint8_t*>(const_cast<void*>(p));
  for (int64_t i = 0; i < count; ++i) bytes[i] = uint8_t(rng.next32());
}

// All bytes, NaN scales and negative ones too.
inline void fill_random(Args& a, Random& rng) {
  fill_bytes(a.codes, a.rows * a.cols / 2, rng);
  fill_bytes(a.scales, a.rows * a.cols / 16, rng);
  fill_f32(a.decode, a.per_row ? a.rows : 1, rng, 1e-4f, 2);
}
// As encoders write them.
inline void fill_written(Args& a, Random& rng) {
  fill_random(a, rng);
  for (int64_t i = 0; i < a.rows * a.cols / 16; ++i)
    writable(a.scales)[i] = {uint8_t(1 + rng.below(0x7e))};
}
// The same with factors down and up to where products are no normal bf16.
inline void fill_positive(Args& a, Random& rng) {
  fill_written(a, rng);
  const float factor[] = {0.00123f, 1, 0x1.57p-118f, 0x1.57p-116f, 0x1.33p114f, 0x1.33p118f};
  const uint64_t first = rng.below(6);
  for (int64_t r = 0; r < (a.per_row ? a.rows : 1); ++r)
    writable(a.decode)[r] = factor[(first + uint64_t(r)) % 6];
}
// Factors at which products round to subnormals, to infinity, and NaN.
inline void fill_extreme(Args& a, Random& rng) {
  fill_random(a, rng);
  const float factor[] = {0x1p-140f,
                          3e38f,
                          0.0f,
                          bit_cast<float>(0x7f800000u),
                          0x1.23p-128f,
                          -1.5f,
                          bit_cast<float>(0xffc00001u)};
  const uint64_t first = rng.below(7);
  for (int64_t r = 0; r < (a.per_row ? a.rows : 1); ++r)
    writable(a.decode)[r] = factor[(first + uint64_t(r)) % 7];
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  constexpr struct {
    const char* name;
    DType type;
  } kTypes[] = {{"f32", DType::f32}, {"bf16", DType::bf16}};
  for (const auto& type : kTypes)
    for (auto fill : {fill_random, fill_positive, fill_extreme})
      for (bool per_row : {false, true})
        for (int cols : {16, 80, 512})
          all.push_back({.name = std::string(fill == fill_random     ? "random"
                                             : fill == fill_positive ? "positive"
                                                                     : "extreme") +
                                 "_" + type.name + (per_row ? "_rows" : "") + "_c" +
                                 std::to_string(cols),
                         .args = {.rows = 11, .cols = cols, .per_row = per_row, .y = type.type},
                         .seed = seed++,
                         .fill = fill});
  for (const auto& type : kTypes)
    all.push_back({.name = std::string("bench_") + type.name,
                   .args = {.rows = 2048, .cols = 4096, .y = type.type},
                   .fill = fill_written,
                   .bench = true});
  return all;
}

}  // namespace nibble::decode_nvfp4
