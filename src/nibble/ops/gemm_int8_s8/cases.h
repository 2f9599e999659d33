// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <algorithm>
#include <vector>

#include "nibble/numerics/s8_product_cases.h"
#include "nibble/ops/gemm_int8_s8/gemm_int8_s8.h"

namespace nibble::gemm_int8_s8 {

using Cases = S8ProductCases<Args, kLayout, kMaxK>;

// Every product 2^14, at the greatest k: the sum is 2^31 - 2^14. A table, clamp or pair sum that is
// off by one bit, or an int16 anywhere, shows here.
inline void fill_worst(Args& a, Random& rng) {
  Cases::fill_ones(a, rng);
  std::fill_n(writable(a.w), kLayout.bytes(a.n, a.k), uint8_t(0x80));
  std::fill_n(writable(a.x), (a.m - 1) * a.ldx + a.k, int8_t(-128));
}
// The other sign: 255 unsigned times 127, and -128 times 127.
inline void fill_mixed(Args& a, Random& rng) {
  Cases::fill_ones(a, rng);
  for (int64_t i = 0; i < kLayout.bytes(a.n, a.k); ++i) writable(a.w)[i] = i & 4 ? 0x80 : 0x7f;
  std::fill_n(writable(a.x), (a.m - 1) * a.ldx + a.k, int8_t(127));
}

inline std::vector<Case<Args>> cases() {
  return Cases::cases<entry>(fill_worst, fill_mixed, {512});
}

}  // namespace nibble::gemm_int8_s8
