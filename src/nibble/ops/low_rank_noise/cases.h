// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/low_rank_noise/low_rank_noise.h"

namespace nibble::low_rank_noise {

inline int64_t words_of(const Args& a) { return (a.rows + a.share - 1) / a.share * a.n / 16; }

inline void fill_random(Args& a, Random& rng) {
  for (int64_t i = 0; i < a.rows * a.n; ++i) writable(a.acc)[i] = int32_t(rng.next32()) >> 2;
  for (int64_t i = 0; i < a.parts * a.rows; ++i)
    writable(a.step)[i] = int32_t(rng.next32()) >> 7 >> rng.below(12);
  for (int64_t i = 0; i < (a.parts - 1) * a.ld + words_of(a); ++i)
    writable(a.e)[i] = uint16_t(rng.next32());
}
// The largest sums of either sign.
inline void fill_worst(Args& a, Random& rng) {
  fill_random(a, rng);
  for (int64_t i = 0; i < a.rows * a.n; ++i)
    writable(a.acc)[i] = i / a.n % 2 == 0 ? (1 << 30) - 1 : -(1 << 30);
  for (int64_t i = 0; i < a.parts * a.rows; ++i)
    writable(a.step)[i] = i % a.rows % 2 == 0 ? 1 << 24 : -(1 << 24);
  for (int64_t i = 0; i < (a.parts - 1) * a.ld + words_of(a); ++i)
    writable(a.e)[i] = i % 3 == 0 ? 0xfffe : 0xffff;
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  const auto add = [&](std::string name, int64_t rows, int n, int parts, int share,
                       void (*fill)(Args&, Random&), bool bench = false) {
    Args args{.rows = rows, .n = n, .parts = parts, .share = share};
    args.ld = words_of(args) + (bench ? 0 : 5);
    all.push_back({.name = name + "_r" + std::to_string(rows) + "_n" + std::to_string(n) + "_p" +
                           std::to_string(parts) + "_s" + std::to_string(share),
                   .args = args,
                   .seed = seed++,
                   .fill = fill,
                   .bench = bench});
  };
  for (int rows : {1, 7, 33})
    for (int n : {16, 80})
      for (int parts : {1, 3})
        for (int share : {1, 4}) add("random", rows, n, parts, share, fill_random);
  add("worst", 6, 32, 64, 1, fill_worst);
  for (int parts : {3, 15}) add("bench", 64, 128, parts, 32, fill_random, true);
  return all;
}

}  // namespace nibble::low_rank_noise
