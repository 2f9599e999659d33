// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/numerics/float_cases.h"
#include "nibble/ops/gelu_tanh_quantise/gelu_tanh_quantise.h"

namespace nibble::gelu_tanh_quantise {

template <void (*kFill)(const Floats&, int64_t, Random&)>
void fill(Args& a, Random& rng) {
  const int64_t count = (a.rows - 1) * a.ld + a.cols;
  kFill(a.x, count, rng);
}

// Where the tanh is 1, -1, or steep.
inline void fill_steep(Args& a, Random& rng) {
  fill<fill_likely>(a, rng);
  constexpr float kValues[] = {0, -0.0f, 4, -4, -5.5f, -9, -120, 1e13f, -1e13f, 0x1p-140f};
  for (int64_t i = 0; i < (a.rows - 1) * a.ld + a.cols; ++i)
    put_float(a.x, i, rng.below(2) == 0 ? kValues[rng.below(10)] : rng.uniform(-20, 20));
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
                {"steep", fill_steep}};
  constexpr struct {
    const char* name;
    DType type;
  } kTypes[] = {{"f32", DType::f32}, {"bf16", DType::bf16}};
  const auto args = [](int64_t rows, int64_t cols, int64_t ld, DType type, bool round, Format f) {
    Args a{.rows = rows, .cols = cols, .ld = ld, .round_bf16 = round, .x = type};
    a.to.format = f;
    return a;
  };
  for (const auto& f : encode_rows::kFormats)
    for (const auto& kind : kFills)
      for (const auto& type : kTypes)
        for (bool round : {false, true}) {
          const int64_t cols = 32 * int64_t(1 + seed * 5 % 9);
          all.push_back({.name = std::string(f.name) + "_" + kind.name + "_" + type.name +
                                 (round ? "_rounded" : ""),
                         .args = args(int64_t(1 + seed % 5), cols, cols + int64_t(seed % 3),
                                      type.type, round, f.format),
                         .seed = seed,
                         .fill = kind.fill});
          ++seed;
        }
  for (const auto& f : encode_rows::kFormats)
    for (const auto& type : kTypes)
      all.push_back({.name = "bench_" + std::string(f.name) + "_" + type.name,
                     .args = args(1024, 8192, 8192, type.type, false, f.format),
                     .fill = fill<fill_likely>,
                     .bench = true});
  return all;
}

}  // namespace nibble::gelu_tanh_quantise
