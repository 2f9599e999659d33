// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/numerics/float_cases.h"
#include "nibble/ops/norm_quantise/norm_quantise.h"

namespace nibble::norm_quantise {

template <void (*kFill)(const Floats&, int64_t, Random&)>
void fill(Args& a, Random& rng) {
  kFill(a.x, a.rows * a.cols, rng);
  if (a.with_delta) kFill(a.delta, a.rows * a.cols, rng);
  if (a.with_gamma) fill_likely(a.gamma, a.cols, rng);
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
  if (a.with_gamma) fill_likely(a.gamma, a.cols, rng);
}

// What stands after the residual add, with a mean magnitude on either side of eps.
inline void fill_near_eps(Args& a, Random& rng) {
  fill<fill_likely>(a, rng);
  for (int64_t i = 0; i < a.rows * a.cols; ++i)
    put_float(a.delta, i, (0.5f + float(i / a.cols)) * a.eps - float_at(a.x, i));
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
  const auto absmean = [](Args a, bool gamma) {
    a.norm = Norm::absmean, a.with_gamma = gamma;
    return a;
  };
  for (const auto& f : encode_rows::kFormats)
    for (const auto& kind : kFills) {
      const DType type = seed % 2 == 0 ? DType::bf16 : DType::f32;
      const Args a = args(int64_t(1 + seed % 6), 32 * int64_t(1 + seed * 7 % 13), type, type,
                          seed % 3 != 0, seed % 5 < 2, f.format);
      all.push_back({.name = std::string(f.name) + "_absmean_" + kind.name,
                     .args = absmean(a, seed % 4 < 2),
                     .seed = seed,
                     .fill = kind.fill});
      ++seed;
    }
  for (bool rms : {true, false}) {
    Args a = args(4, 96, DType::f32, DType::f32, true, false, Format::s16);
    a.eps = 0.75f;
    all.push_back({.name = rms ? "near_eps" : "absmean_near_eps",
                   .args = rms ? a : absmean(a, true),
                   .fill = fill_near_eps});
  }
  for (int64_t cols : {8208, 24592}) {
    const Args a = args(2, cols, DType::bf16, DType::bf16, true, false, Format::nvfp4);
    all.push_back({.name = "wide_c" + std::to_string(cols),
                   .args = cols == 8208 ? a : absmean(a, true),
                   .fill = fill<fill_likely>});
  }
  for (const auto& f : encode_rows::kFormats)
    for (const auto& type : kTypes)
      for (bool delta : {false, true})
        all.push_back({.name = "bench_" + std::string(f.name) +
                               (type.type == DType::bf16 ? "_bf16" : "") + (delta ? "_delta" : ""),
                       .args = args(2048, 4096, type.type, type.type, delta, false, f.format),
                       .fill = fill<fill_likely>,
                       .bench = true});
  for (Format f : {Format::nvfp4, Format::mxfp4, Format::fp8, Format::s8})
    all.push_back(
        {.name = "bench_absmean_" + std::string(encode_rows::kFormats[int(f)].name) + "_bf16_delta",
         .args = absmean(args(2048, 4096, DType::bf16, DType::bf16, true, false, f), false),
         .fill = fill<fill_likely>,
         .bench = true});
  return all;
}

}  // namespace nibble::norm_quantise
