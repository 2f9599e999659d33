// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/credit_noise/credit_noise.h"

namespace nibble::credit_noise {

// Credits of all magnitudes up to what the contract allows, among them ties of the rounding.
inline void fill_random(Args& a, Random& rng) {
  const int32_t most = (1 << 24) / a.lanes - 1;
  for (int64_t i = 0; i < (a.lanes - 1) * a.lane_rows + a.rows; ++i) {
    const int32_t c = (int32_t(rng.next32()) >> rng.below(24)) >> 1;
    writable(a.credit)[i] = c > most ? most : c < -most ? -most : c;
  }
  for (int64_t i = 0; i < ((a.lanes - 1) * a.lane_rows + a.rows - 1) * a.ld_noise + a.n / 16; ++i)
    writable(a.noise)[i] = uint16_t(rng.next32());
  for (int64_t i = 0; i < (a.rows - 1) * a.ldz + a.n; ++i) a.z[i] = 77;
  a.magnitude[0] = 1000;
}

// Every sum at a tie of the rounding or at the largest that the contract allows, of either sign.
inline void fill_ties(Args& a, Random& rng) {
  fill_random(a, rng);
  const int32_t most = (1 << 24) / a.lanes - 1, tie = a.shift ? 1 << (a.shift - 1) : 1;
  for (int lane = 0; lane < a.lanes; ++lane)
    for (int64_t r = 0; r < a.rows; ++r)
      writable(a.credit)[lane * a.lane_rows + r] = r % 2       ? (r % 4 == 1 ? most : -most)
                                                   : lane == 0 ? int32_t(2 * r + 1) * tie
                                                               : 0;
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  for (int rows : {1, 33})
    for (int n : {16, 80, 256})
      for (int lanes : {1, 8, 13})
        for (int shift : {0, 6, 15})
          all.push_back({.name = "r" + std::to_string(rows) + "_n" + std::to_string(n) + "_l" +
                                 std::to_string(lanes) + "_s" + std::to_string(shift),
                         .args = {.rows = rows,
                                  .n = n,
                                  .lanes = lanes,
                                  .lane_rows = rows + lanes % 3,
                                  .shift = shift,
                                  .ldz = n + 16 * (lanes % 3),
                                  .ld_noise = n / 16 + lanes % 2},
                         .seed = seed++,
                         .fill = fill_random});
  all.push_back(
      {.name = "ties",
       .args =
           {.rows = 40, .n = 48, .lanes = 3, .lane_rows = 40, .shift = 5, .ldz = 48, .ld_noise = 3},
       .fill = fill_ties});
  all.push_back({.name = "bench_r64_n256_l8",
                 .args = {.rows = 64,
                          .n = 256,
                          .lanes = 8,
                          .lane_rows = 64,
                          .shift = 8,
                          .ldz = 256,
                          .ld_noise = 16},
                 .fill = fill_random,
                 .bench = true});
  return all;
}

}  // namespace nibble::credit_noise
