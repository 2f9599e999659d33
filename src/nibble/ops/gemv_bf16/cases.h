// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/gemv_bf16/gemv_bf16.h"

namespace nibble::gemv_bf16 {

// Both signs, exponents from 2^-span to 2^span, zeros of both signs.
inline void fill(const bf16* p, int64_t count, Random& rng, int span) {
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t bits = rng.next32(),
                   exponent = 127u - uint32_t(span) + (bits >> 16) % (2 * span);
    writable(p)[i].bits = uint16_t((bits & 0x807f) | (bits >> 28 == 0 ? 0 : exponent << 7));
  }
}
inline int64_t weights(const Args& a) { return int64_t(a.batch) * a.n * a.k; }
inline int64_t activations(const Args& a) { return int64_t(a.batch) * a.k; }

inline void fill_random(Args& a, Random& rng) {
  fill(a.w, weights(a), rng, 4), fill(a.x, activations(a), rng, 4);
}
inline void fill_wide(Args& a, Random& rng) {
  fill(a.w, weights(a), rng, 30), fill(a.x, activations(a), rng, 30);
}
// Subnormal weights and sums; subnormal activations would leave nothing.
inline void fill_tiny(Args& a, Random& rng) {
  fill_random(a, rng);
  for (int64_t i = 0; i < weights(a); ++i) writable(a.w)[i].bits &= 0x807f;
}
// Infinities and NaNs in some rows of weights, one infinite activation.
inline void fill_special(Args& a, Random& rng) {
  fill_random(a, rng);
  constexpr uint16_t kFew[] = {0x7f80, 0xff80, 0x7fc0, 0xffa1};
  for (int64_t i = 0; i < int64_t(a.batch) * a.n; i += 3)
    writable(a.w)[i * a.k + int64_t(rng.below(uint64_t(a.k)))].bits = kFew[i / 3 % 4];
  writable(a.x)[rng.below(uint64_t(a.k))].bits = 0x7f80;
}
// The greatest values of one sign: every addition rounds, and in its own place only.
inline void fill_worst(Args& a, Random& rng) {
  for (int64_t i = 0; i < weights(a); ++i)
    writable(a.w)[i].bits = uint16_t(0x5f7f - (rng.below(9) == 0));
  for (int64_t i = 0; i < activations(a); ++i) writable(a.x)[i].bits = 0x5b7f;
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  const auto add = [&](const std::string& name, int n, int k, int batch,
                       void (*fill)(Args&, Random&)) {
    all.push_back({.name = name + "_n" + std::to_string(n) + "_k" + std::to_string(k) +
                           (batch > 1 ? "_l" + std::to_string(batch) : ""),
                   .args = {.batch = batch, .n = n, .k = k},
                   .seed = all.size() + 1,
                   .fill = fill,
                   .bench = name == "bench"});
  };
  for (int n : {1, 7, 8, 9, 33}) add("wide", n, 264, 1, fill_wide);
  for (int k : {8, 248, 256, 1016, 1024, 1032, 2312}) add("random", 5, k, 1, fill_random);
  add("batch", 11, 520, 3, fill_random);
  add("tiny", 9, 512, 1, fill_tiny);
  add("special", 26, 640, 2, fill_special);
  add("worst", 4, 3000, 1, fill_worst);
  // The shapes at which GEMVs by packed weights are timed.
  for (int n : {4096, 14336}) add("bench", n, 4096, 1, fill_random);
  add("bench", 7168, 16384, 1, fill_random);
  add("bench", 4096, 7168, 1, fill_random);
  add("bench", 7168, 2048, 1, fill_random);
  add("bench", 7168, 2048, 4, fill_random);
  add("bench", 4096, 7168, 8, fill_random);
  return all;
}

}  // namespace nibble::gemv_bf16
