// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <algorithm>
#include <vector>

#include "nibble/numerics/s8_product_cases.h"
#include "nibble/ops/gemm_base3_s8/gemm_base3_s8.h"

namespace nibble::gemm_base3_s8 {

using Cases = S8ProductCases<Args, kLayout, kMaxK>;

// All digits 2 and all activations -128: the greatest pair sums of int16 and, at the greatest k,
// the greatest sums of digits in their places.
inline void fill_worst(Args& a, Random& rng) {
  Cases::fill_ones(a, rng);
  std::fill_n(writable(a.w), kLayout.bytes(a.n, a.k), pack_base3(1, 1, 1, 1, 1));
  std::fill_n(writable(a.x), (a.m - 1) * a.ldx + a.k, int8_t(-128));
}
// Only weights, and the extremes of both signs.
inline void fill_mixed(Args& a, Random& rng) {
  Cases::fill_ones(a, rng);
  constexpr uint8_t kBytes[] = {pack_base3(-1, -1, -1, -1, -1), pack_base3(1, 1, 1, 1, 1),
                                pack_base3(0, 0, 0, 0, 0), pack_base3(1, -1, 1, -1, 1),
                                pack_base3(-1, 1, -1, 1, -1)};
  for (int64_t i = 0; i < kLayout.bytes(a.n, a.k); ++i) writable(a.w)[i] = kBytes[rng.below(5)];
  for (int64_t i = 0; i < (a.m - 1) * a.ldx + a.k; ++i)
    writable(a.x)[i] = rng.below(2) != 0 ? int8_t(127) : int8_t(-128);
}
// Every byte in every place of a register, those that no weights pack to among them.
inline void fill_every_byte(Args& a, Random& rng) {
  Cases::fill_written(a, rng);
  for (int64_t i = 0; i < kLayout.bytes(a.n, a.k); ++i) writable(a.w)[i] = uint8_t(i + i / 256);
}

inline std::vector<Case<Args>> cases() {
  auto all = Cases::cases<entry>(fill_worst, fill_mixed, {2048, 4096});
  for (int m : {1, 6}) {
    // 16 rows x 20 columns in a register: all of i + i / 256 takes 1024 of them.
    all.push_back({.name = "every_byte_m" + std::to_string(m),
                   .args = {.m = m, .n = 32, .k = 10240, .ldx = 10240, .ldy = 32},
                   .seed = uint64_t(100 + m),
                   .fill = fill_every_byte});
  }
  // Around a register of digits, a tile, and a pair of tiles.
  for (int k : {4, 5, 19, 20, 21, 39, 40, 41, 60, 79, 80, 81, 1279, 1281, 1320}) {
    for (int m : {1, 5})
      all.push_back({.name = "digits_m" + std::to_string(m) + "_k" + std::to_string(k),
                     .args = {.m = m, .n = 17, .k = k, .ldx = k + m, .ldy = 17},
                     .seed = uint64_t(200 + k + m),
                     .fill = Cases::fill_random});
  }
  return all;
}

}  // namespace nibble::gemm_base3_s8
