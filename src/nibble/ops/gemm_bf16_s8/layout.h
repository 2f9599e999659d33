// How weights lie in memory: panels of 16 columns, two neighbours in k side by side, which is the
// 32-bit lane that vdpbf16ps multiplies.
//
//   panel p, pair q: 64 bytes, one cache line
//   column  0          1          ...  15
//   k       2q  2q+1   2q  2q+1   ...
#pragma once
#include <cstdint>

#include "nibble/numerics/bf16.h"

namespace nibble::gemm_bf16_s8 {

inline constexpr int kPanel = 16;
inline constexpr float kLeast = 0x1p-64f, kMost = 0x1p64f;

NIBBLE_HD constexpr int64_t slot(int64_t column, int64_t at, int64_t k) {
  return column / kPanel * kPanel * k + at / 2 * 2 * kPanel + column % kPanel * 2 + at % 2;
}
static_assert(slot(0, 1, 8) == 1 && slot(3, 2, 8) == 38 && slot(17, 0, 8) == 130);

// A float as a weight: the nearest bf16, ties to even, or 0 if that is below kLeast. |x| < kMost.
// No branch, so that a loop over it becomes vectors.
NIBBLE_HD constexpr bf16 weight_of(float x) {
  const uint32_t u = float_bits(x);
  const uint32_t rounded = (u + 0x7fffu + (u >> 16 & 1)) >> 16;
  return {uint16_t((rounded & 0x7fffu) < float_bits(kLeast) >> 16 ? 0 : rounded)};
}
static_assert(weight_of(0x1.03p0f).bits == to_bf16(0x1.03p0f).bits &&
              weight_of(-0x1.01p9f).bits == to_bf16(-0x1.01p9f).bits);
static_assert(weight_of(-0x1.fp-65f).bits == 0 && weight_of(-kLeast).bits == 0x9f80);

}  // namespace nibble::gemm_bf16_s8
