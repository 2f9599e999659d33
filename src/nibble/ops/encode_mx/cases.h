// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/numerics/float_cases.h"
#include "nibble/ops/encode_mx/encode_mx.h"

namespace nibble::encode_mx {

inline void fill_random(Args& a, Random& rng) { fill_likely(a.x, a.rows * a.cols, rng); }
inline void fill_ties(Args& a, Random& rng) { fill_hard(a.x, a.rows * a.cols, rng); }
inline void fill_nan(Args& a, Random& rng) { fill_not_finite(a.x, a.rows * a.cols, rng); }
// Blocks whose greatest magnitude is where some rule's scale goes up, or a step of a float from
// there; of usual sizes and of those where scales end.
inline void fill_edges(Args& a, Random& rng) {
  constexpr float kEdges[] = {1, 1.5f, 1.75f, 1.875f, 0x1.8p2f, 0x1.cp8f};
  constexpr int kLeast[] = {107, 1, 220};
  for (int64_t block = 0; block < a.rows * a.cols; block += kMxBlock) {
    const int exponent = kLeast[rng.below(3)] + int(rng.below(20));
    const float edge = kEdges[rng.below(6)] * bit_cast<float>(uint32_t(exponent) << 23);
    const float most = bit_cast<float>(float_bits(edge) - 1 + uint32_t(rng.below(3)));
    const int64_t at = int64_t(rng.below(kMxBlock));
    for (int64_t i = 0; i < kMxBlock; ++i)
      put_float(a.x, block + i, i == at ? -most : most * rng.uniform(-1, 1));
  }
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
    MxFormat format;
  } kFormats[] = {{"e2m1", MxFormat::e2m1}, {"e4m3", MxFormat::e4m3}, {"e5m2", MxFormat::e5m2}};
  constexpr struct {
    const char* name;
    MxScale rule;
  } kRules[] = {{"floor", MxScale::floor},
                {"ceil", MxScale::ceil},
                {"even", MxScale::even},
                {"rceil", MxScale::rceil}};
  for (const auto& format : kFormats)
    for (const auto& rule : kRules)
      for (const auto& f : kFills)
        for (const auto& type : kTypes)
          all.push_back(
              {.name = std::string(format.name) + "_" + rule.name + "_" + f.name + "_" + type.name,
               .args = {.rows = 5,
                        .cols = 32 * int64_t(1 + seed % 19),
                        .format = format.format,
                        .rule = rule.rule,
                        .x = type.type},
               .seed = seed++,
               .fill = f.fill});
  for (const auto& format : kFormats)
    for (const auto& rule : kRules)
      all.push_back({.name = std::string(format.name) + "_" + rule.name + "_edges",
                     .args = {.rows = 5,
                              .cols = 32 * 37,
                              .format = format.format,
                              .rule = rule.rule,
                              .x = DType::f32},
                     .seed = seed++,
                     .fill = fill_edges});
  for (const auto& format : kFormats)
    for (const auto& type : kTypes)
      all.push_back({.name = std::string("bench_") + format.name + "_" + type.name,
                     .args = {.rows = 2048,
                              .cols = 4096,
                              .format = format.format,
                              .rule = MxScale::rceil,
                              .x = type.type},
                     .fill = fill_random,
                     .bench = true});
  return all;
}

}  // namespace nibble::encode_mx
