// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/shadow_update/shadow_update.h"

namespace nibble::shadow_update {

inline void fill_inputs(Args& a, Random& rng) {
  for (int p = 0; p < a.pairs; ++p) writable(a.seed)[p] = rng.next64();
  fill_f32(a.weight, a.pairs, rng, -1.8f, 1.8f);
  if (a.pairs > 2) writable(a.weight)[1] = 0;  // left out, not multiplied
  fill_f32(a.shadow, a.n, rng, -1.6f, 1.6f);
  *a.ema = rng.uniform(0.5f, 30.0f);
}
inline void fill_first(Args& a, Random& rng) {  // no average yet; shadows on the ties of rounding
  fill_inputs(a, rng);
  *a.ema = 0;
  for (int64_t i = 0; i < a.n; ++i) a.shadow[i] = 0.5f * float(int(rng.below(7)) - 3);
}
inline void fill_silent(Args& a, Random& rng) {  // all fitness equal: z = 0, nothing may move
  fill_first(a, rng);
  for (int p = 0; p < a.pairs; ++p) writable(a.weight)[p] = 0;
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  const Args base{.pairs = 6, .lr = 0.8f, .threshold = 0.256f};
  const auto add = [&](std::string name, Args a, void (*fill)(Args&, Random&)) {
    all.push_back({.name = std::move(name), .args = a, .seed = seed++, .fill = fill});
  };
  for (int n : {1, 4, 15, 16, 33, 4096, 9001})
    for (bool ternary : {false, true}) {
      Args a = base;
      a.n = n, a.ternary = ternary;
      a.rms = ternary ? Rms::inside : Rms::outside;
      add("n" + std::to_string(n) + (ternary ? "_ternary" : "_float"), a, fill_inputs);
    }
  Args a = base;
  a.n = 5000;
  add("first", a, fill_first);
  add("silent", a, fill_silent);
  a.rms = Rms::off, a.threshold = 0;
  add("rms_off", a, fill_inputs);
  a.terms = 0, a.pairs = 1;
  add("plain_noise", a, fill_inputs);
  all.push_back({.name = "bench_64k_64pairs",
                 .args = {.n = 1 << 16, .pairs = 64, .lr = 0.8f, .threshold = 0.256f},
                 .fill = fill_inputs,
                 .bench = true});
  return all;
}

}  // namespace nibble::shadow_update
