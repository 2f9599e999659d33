// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <algorithm>
#include <limits>
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
// All fitness equal: z = 0 and nothing may move, shadows that are no usual number included.
inline void fill_silent(Args& a, Random& rng) {
  fill_first(a, rng);
  for (int p = 0; p < a.pairs; ++p) writable(a.weight)[p] = 0;
  const float inf = std::numeric_limits<float>::infinity(), nan = inf - inf, up = 0x1.000002p-1f;
  const float shadow[] = {nan, -inf, up, -0.0f, -up, 0x1p-149f, inf, -0x1.fffffep-2f};
  std::copy_n(shadow, 8, a.shadow);
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  const Args base{.pairs = 6, .lr = 0.8f, .threshold = 0.256f};
  const auto add = [&](std::string name, Args a, void (*fill)(Args&, Random&)) {
    all.push_back({.name = std::move(name), .args = a, .seed = seed++, .fill = fill});
  };
  const struct {
    const char* name;
    Ternary ternary;
  } kKinds[] = {{"_float", Ternary::none},
                {"_bytes", Ternary::bytes},
                {"_two_bit", Ternary::two_bit},
                {"_both", Ternary::both}};
  for (int n : {1, 3, 4, 15, 16, 33, 4096, 9001})
    for (const auto& kind : kKinds) {
      Args a = base;
      a.n = n, a.ternary = kind.ternary;
      a.rms = a.ternary == Ternary::none ? Rms::outside : Rms::inside;
      add("n" + std::to_string(n) + kind.name, a, fill_inputs);
    }
  Args a = base;
  a.n = 5000, a.ternary = Ternary::both;
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
