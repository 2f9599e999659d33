// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/cross_entropy/cross_entropy.h"

namespace nibble::cross_entropy {

template <class Logit>
void fill_with(Args& a, Random& rng, Logit logit) {
  for (int64_t r = 0; r < a.rows; ++r) {
    for (int j = 0; j < a.symbols; ++j) {
      if (a.logits) writable(a.logits)[r * a.ld + j] = logit(r, j);
      if (a.sums) writable(a.sums)[r * a.ld + j] = int32_t(logit(r, j) * 1e5f);
    }
    writable(a.target)[r] = uint8_t(rng.below(uint64_t(a.symbols)));
  }
  const int64_t words = (a.rows + a.share - 1) / a.share * ((a.symbols + 15) / 16);
  for (int64_t i = 0; a.with_noise && i < words; ++i) writable(a.noise)[i] = uint16_t(rng.next32());
  for (int64_t r = 0; a.with_noise && r < a.rows; ++r)
    writable(a.steps)[r] = int32_t(rng.below(100001)) - 50000;
  if (a.bias) fill_f32(a.bias, a.symbols, rng, -3, 3);
  if (a.gradient) fill_f32(a.gradient, (a.rows - 1) * a.ld_gradient + a.symbols, rng);
}

inline void fill_random(Args& a, Random& rng) {
  fill_with(a, rng, [&](int64_t, int) { return rng.uniform(-8, 8); });
}
inline void fill_equal(Args& a, Random& rng) {
  fill_with(a, rng, [](int64_t, int) { return 2.5f; });
}
// One symbol has all the mass, or none: exp underflows, through the subnormals too.
inline void fill_extreme(Args& a, Random& rng) {
  fill_with(a, rng, [&](int64_t r, int j) {
    return r % 3 == 0   ? (rng.below(2) ? 1e4f : -1e4f)
           : r % 3 == 1 ? -float(j)
                        : (j == int(r) % a.symbols ? 20.0f : 0.0f);
  });
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  const auto add = [&](std::string name, Args a, void (*fill)(Args&, Random&)) {
    for (Source source : {Source::f32, Source::s32})
      for (bool gradient : {false, true}) {
        a.source = source;
        a.ld_gradient = gradient ? a.symbols + 3 : 0;
        a.scale = source == Source::s32 ? 1e-5f : 0.75f;
        all.push_back({.name = name + (source == Source::s32 ? "_s32" : "_f32") +
                               (gradient ? "_gradient" : ""),
                       .args = a,
                       .seed = seed++,
                       .fill = fill});
      }
  };
  for (int symbols : {1, 2, 15, 16, 17, 65, 68, 69, 80, 255, 256})
    add("symbols" + std::to_string(symbols),
        {.rows = 70,
         .symbols = symbols,
         .ld = symbols + symbols % 5,
         .biased = symbols % 2 == 1,
         .eps = symbols > 64 ? 1e-9f : 0.0f},
        fill_random);
  add("one_row", {.rows = 1, .symbols = 65, .ld = 80, .biased = true}, fill_random);
  add("equal", {.rows = 33, .symbols = 65, .ld = 65}, fill_equal);
  add("extreme", {.rows = 129, .symbols = 130, .ld = 130, .biased = true}, fill_extreme);
  add("large_eps", {.rows = 17, .symbols = 20, .ld = 20, .eps = 0.5f}, fill_random);
  for (int symbols : {48, 65, 68})
    for (int share : {5, 32})
      all.push_back({.name = "noise_" + std::to_string(symbols) + "_" + std::to_string(share),
                     .args = {.rows = 67,
                              .symbols = symbols,
                              .source = Source::s32,
                              .ld = 80,
                              .biased = true,
                              .scale = 1e-5f,
                              .with_noise = true,
                              .share = share},
                     .seed = seed++,
                     .fill = fill_random});
  for (int symbols : {65, 80, 256})
    all.push_back({.name = "bench_" + std::to_string(symbols),
                   .args = {.rows = 4096,
                            .symbols = symbols,
                            .source = Source::s32,
                            .ld = symbols,
                            .biased = true,
                            .scale = 1e-5f},
                   .fill = fill_random,
                   .bench = true});
  all.push_back({.name = "bench_80_gradient",
                 .args = {.rows = 4096,
                          .symbols = 80,
                          .source = Source::s32,
                          .ld = 80,
                          .ld_gradient = 80,
                          .biased = true,
                          .scale = 1e-5f},
                 .fill = fill_random,
                 .bench = true});
  return all;
}

}  // namespace nibble::cross_entropy
