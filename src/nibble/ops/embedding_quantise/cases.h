// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/numerics/float_cases.h"
#include "nibble/ops/embedding_quantise/embedding_quantise.h"

namespace nibble::embedding_quantise {

// The first and the last row of the table among them.
template <void (*kFill)(const Floats&, int64_t, Random&)>
void fill(Args& a, Random& rng) {
  kFill(a.table, a.vocabulary * a.cols, rng);
  for (int64_t r = 0; r < a.rows; ++r)
    writable(a.ids)[r] = int32_t(r == 0   ? a.vocabulary - 1
                                 : r == 1 ? 0
                                          : int64_t(rng.below(uint64_t(a.vocabulary))));
}

// Rows of NVFP4 whose scales are ties; elements of the smallest blocks are clamped. In every second
// row some scales are 0.
inline void fill_scales(Args& a, Random& rng) {
  fill<fill_likely>(a, rng);
  for (int64_t row = 0; row < a.vocabulary; ++row)
    fill_scale_ties(a.table, row * a.cols, a.cols, rng.uniform(1, 4), rng, row % 2 == 0 ? 18 : 24);
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  constexpr struct {
    const char* name;
    void (*fill)(Args&, Random&);
  } kFills[] = {
      {"random", fill<fill_likely>}, {"ties", fill<fill_hard>}, {"nan", fill<fill_not_finite>}};
  constexpr struct {
    const char* name;
    DType type;
  } kTypes[] = {{"f32", DType::f32}, {"bf16", DType::bf16}, {"fp16", DType::fp16}};
  for (const auto& f : encode_rows::kFormats)
    for (const auto& kind : kFills)
      for (const auto& type : kTypes)
        all.push_back({.name = std::string(f.name) + "_" + kind.name + "_" + type.name,
                       .args = {.rows = int64_t(1 + seed % 9),
                                .cols = 32 * int64_t(1 + seed * 5 % 7),
                                .vocabulary = int64_t(1 + seed % 13),
                                .table = type.type,
                                .to = {.format = f.format}},
                       .seed = seed++,
                       .fill = kind.fill});
  all.push_back({.name = "nvfp4_scales",
                 .args = {.rows = 9, .cols = 528, .vocabulary = 13, .table = DType::f32},
                 .seed = seed++,
                 .fill = fill_scales});
  for (const auto& f : encode_rows::kFormats)
    all.push_back({.name = "bench_" + std::string(f.name) + "_bf16",
                   .args = {.rows = 2048,
                            .cols = 4096,
                            .vocabulary = 4096,
                            .table = DType::bf16,
                            .to = {.format = f.format}},
                   .fill = fill<fill_likely>,
                   .bench = true});
  return all;
}

}  // namespace nibble::embedding_quantise
