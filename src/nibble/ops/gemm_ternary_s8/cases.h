// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <algorithm>
#include <vector>

#include "nibble/numerics/s8_product_cases.h"
#include "nibble/ops/gemm_ternary_s8/gemm_ternary_s8.h"

namespace nibble::gemm_ternary_s8 {

using Cases = S8ProductCases<Args, kLayout, kMaxK>;

// All codes 3 and all activations -128: the greatest pair sums of int16 and, at the greatest k, the
// greatest sums of codes in their places.
inline void fill_worst(Args& a, Random& rng) {
  Cases::fill_ones(a, rng);
  std::fill_n(writable(a.w), kLayout.bytes(a.n, a.k), uint8_t(0xff));
  std::fill_n(writable(a.x), (a.m - 1) * a.ldx + a.k, int8_t(-128));
}
// Only weights, and the extremes of both signs.
inline void fill_mixed(Args& a, Random& rng) {
  Cases::fill_ones(a, rng);
  constexpr uint8_t kBytes[] = {0x00, 0xaa, 0x55, 0x88, 0x22};
  for (int64_t i = 0; i < kLayout.bytes(a.n, a.k); ++i) writable(a.w)[i] = kBytes[rng.below(5)];
  for (int64_t i = 0; i < (a.m - 1) * a.ldx + a.k; ++i)
    writable(a.x)[i] = rng.below(2) != 0 ? int8_t(127) : int8_t(-128);
}

// 4096: rows as long as those they are compared with.
inline std::vector<Case<Args>> cases() {
  return Cases::cases<entry>(fill_worst, fill_mixed, {2048, 4096});
}

}  // namespace nibble::gemm_ternary_s8
