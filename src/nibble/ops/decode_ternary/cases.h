// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/decode_ternary/decode_ternary.h"

namespace nibble::decode_ternary {

inline void fill_bytes(const void* p, int64_t count, Random& rng) {
  auto* bytes = static_cast<uint8_t*>(const_cast<void*>(p));
  for (int64_t i = 0; i < count; ++i) bytes[i] = uint8_t(rng.next32());
}

// Bytes that weights pack to, and all others.
inline void fill_random(Args& a, Random& rng) {
  fill_bytes(a.codes, a.rows * ternary_row_bytes(a.packing, a.cols), rng);
  *writable(a.gamma) = rng.uniform(0.01f, 2);
}
inline void fill_extreme(Args& a, Random& rng) {
  fill_random(a, rng);
  const float gamma[] = {
      0x1p-149f, 3e38f, 0.0f, bit_cast<float>(0x7f800000u), -1.5f, bit_cast<float>(0xffc00001u)};
  *writable(a.gamma) = gamma[rng.below(6)];
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
    TernaryPacking packing;
  } kPackings[] = {{"two_bit", TernaryPacking::two_bit}, {"base3", TernaryPacking::base3}};
  for (const auto& type : kTypes)
    for (const auto& packing : kPackings)
      for (auto fill : {fill_random, fill_extreme})
        for (int cols : {1, 20, 67, 330})
          all.push_back(
              {.name = std::string(type.name) + "_" + packing.name +
                       (fill == fill_random ? "_random_c" : "_extreme_c") + std::to_string(cols),
               .args = {.rows = 9, .cols = cols, .packing = packing.packing, .y = type.type},
               .seed = seed++,
               .fill = fill});
  for (const auto& type : kTypes)
    for (const auto& packing : kPackings)
      all.push_back(
          {.name = std::string("bench_") + packing.name + "_" + type.name,
           .args = {.rows = 2048, .cols = 4096, .packing = packing.packing, .y = type.type},
           .fill = fill_random,
           .bench = true});
  return all;
}

}  // namespace nibble::decode_ternary
