// x / f for many x and one f, bit for bit, in five operations in place of a division's dozen and a
// branch.
#pragma once
#include "nibble/numerics/round.h"

namespace nibble::cuda::tile {

// With r = 1 / f rounded to nearest, x * r is within two units of x / f, one correction brings it
// within one, and from there the next one rounds as division does (Markstein's theorem). Nothing
// may overflow, and remainders must be exact where the quotient matters: f is in [2^-80, 2^80] and
// the quotients that matter lie in [2^-20, 2^20]. Smaller ones come out small, with their sign.
// Zeros: +0 keeps its sign, and so does -0 with kSigned; without, it becomes +0.
template <bool kSigned>
__device__ __forceinline__ float quotient(float x, float f, float r) {
  const float q = x * r;
  if constexpr (kSigned) {
    const float once = fmaf(-fmaf(q, f, -x), r, q);
    return fmaf(-fmaf(once, f, -x), r, once);
  } else {
    const float once = fmaf(fmaf(-q, f, x), r, q);
    return fmaf(fmaf(-once, f, x), r, once);
  }
}

// Whether f may be taken for that; also whether it is a usual factor to multiply by.
__device__ __forceinline__ bool is_usual(float f) {
  constexpr uint32_t kLeast = (127 - 80) << 23, kMost = (127 + 80) << 23;
  return float_bits(f) - kLeast <= kMost - kLeast;
}

}  // namespace nibble::cuda::tile
