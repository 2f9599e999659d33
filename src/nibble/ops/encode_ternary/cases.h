// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/numerics/float_cases.h"
#include "nibble/ops/encode_ternary/encode_ternary.h"

namespace nibble::encode_ternary {

inline void fill_random(Args& a, Random& rng) {
  fill_likely(a.x, a.rows * a.cols, rng);
  *writable(a.gamma) = rng.uniform(0.3f, 0.9f);
}
// Values at and about half of gamma, which is 2 up to its last bit.
inline void fill_ties(Args& a, Random& rng) {
  const float gamma = bit_cast<float>(float_bits(2.0f) + uint32_t(rng.below(3)) - 1);
  *writable(a.gamma) = gamma;
  for (int64_t i = 0; i < a.rows * a.cols; ++i) {
    const float near = bit_cast<float>(float_bits(gamma / 2) + uint32_t(rng.below(5)) - 2);
    put_float(a.x, i, rng.below(2) == 0 ? near : -near);
  }
}
inline void fill_nan(Args& a, Random& rng) {
  const float gamma[] = {1, 0, bit_cast<float>(0x7f800000u), bit_cast<float>(0x7fc00000u),
                         0x1p-149f};
  *writable(a.gamma) = gamma[rng.below(5)];
  fill_not_finite(a.x, a.rows * a.cols, rng);
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
    TernaryPacking packing;
  } kPackings[] = {{"two_bit", TernaryPacking::two_bit}, {"base3", TernaryPacking::base3}};
  for (const auto& type : kTypes)
    for (const auto& packing : kPackings)
      for (const auto& f : kFills)
        for (int cols : {1, 20, 67, 330})
          all.push_back(
              {.name = std::string(type.name) + "_" + packing.name + "_" + f.name + "_c" +
                       std::to_string(cols),
               .args = {.rows = 9, .cols = cols, .packing = packing.packing, .x = type.type},
               .seed = seed++,
               .fill = f.fill});
  for (const auto& type : kTypes)
    for (const auto& packing : kPackings)
      all.push_back(
          {.name = std::string("bench_") + packing.name + "_" + type.name,
           .args = {.rows = 2048, .cols = 4096, .packing = packing.packing, .x = type.type},
           .fill = fill_random,
           .bench = true});
  return all;
}

}  // namespace nibble::encode_ternary
