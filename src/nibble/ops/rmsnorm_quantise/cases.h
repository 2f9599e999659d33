// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/numerics/float_cases.h"
#include "nibble/ops/rmsnorm_quantise/rmsnorm_quantise.h"

namespace nibble::rmsnorm_quantise {

template <void (*kFill)(const Floats&, int64_t, Random&)>
void fill(Args& a, Random& rng) {
  kFill(a.x, a.rows * a.cols, rng);
  if (a.with_delta) kFill(a.delta, a.rows * a.cols, rng);
  fill_likely(a.gamma, a.cols, rng);
}

// Rows of zeros, of one value, of subnormals (whose squares are 0) and of the largest (whose
// squares are infinite).
inline void fill_extreme(Args& a, Random& rng) {
  constexpr float kValues[] = {0, 1, -0x1p-130f, 0x1p126f, 0x1p-70f};
  for (int64_t i = 0; i < a.rows * a.cols; ++i) {
    const float v = kValues[i / a.cols % 5];
    put_float(a.x, i, rng.below(2) == 0 ? v : -v);
    if (a.with_delta) put_float(a.delta, i, v);
  }
  fill_likely(a.gamma, a.cols, rng);
}

inline std::vector<Case<Args>> cases() {
  using encode_rows::Format;
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  constexpr struct {
    const char* name;
    void (*fill)(Args&, Random&);
  } kFills[] = {{"random", fill<fill_likely>},
                {"ties", fill<fill_hard>},
                {"nan", fill<fill_not_finite>},
                {"extreme", fill_extreme}};
  constexpr struct {
    const char* name;
    DType type;
  } kTypes[] = {{"f32", DType::f32}, {"bf16", DType::bf16}};
  const auto args = [](int64_t rows, int64_t cols, DType type, DType gamma, bool delta, bool round,
                       Format f) {
    Args a{.rows = rows, .cols = cols, .with_delta = delta, .round_bf16 = round, .x = type};
    a.delta = type, a.sum = type, a.gamma = gamma, a.to.format = f;
    return a;
  };
  for (const auto& f : encode_rows::kFormats)
    for (const auto& kind : kFills)
      for (const auto& type : kTypes)
        for (bool delta : {false, true}) {
          all.push_back({.name = std::string(f.name) + "_" + kind.name + "_" + type.name +
                                 (delta ? "_delta" : ""),
                         .args = args(int64_t(1 + seed % 6), 32 * int64_t(1 + seed * 7 % 13),
                                      type.type, seed % 3 == 0 ? DType::bf16 : DType::f32, delta,
                                      seed % 5 < 2, f.format),
                         .seed = seed,
                         .fill = kind.fill});
          ++seed;
        }
  for (int64_t cols : {8208, 24592})
    all.push_back({.name = "wide_c" + std::to_string(cols),
                   .args = args(2, cols, DType::bf16, DType::bf16, true, false, Format::nvfp4),
                   .fill = fill<fill_likely>});
  for (const auto& f : encode_rows::kFormats)
    for (const auto& type : kTypes)
      for (bool delta : {false, true})
        all.push_back({.name = "bench_" + std::string(f.name) +
                               (type.type == DType::bf16 ? "_bf16" : "") + (delta ? "_delta" : ""),
                       .args = args(2048, 4096, type.type, type.type, delta, false, f.format),
                       .fill = fill<fill_likely>,
                       .bench = true});
  return all;
}

}  // namespace nibble::rmsnorm_quantise
