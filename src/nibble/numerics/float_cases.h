// Floats to encode, for the cases of ops: likely ones, and those that an encoder is likeliest to
// get wrong.
#pragma once
#include <algorithm>

#include "nibble/base/case.h"
#include "nibble/numerics/floats.h"

namespace nibble {

inline void put_float(const Floats& x, int64_t i, float value) {
  void* p = const_cast<void*>(x.data);
  if (x.type == DType::bf16)
    static_cast<bf16*>(p)[i] = to_bf16(value);
  else if (x.type == DType::fp16)
    static_cast<fp16*>(p)[i] = to_fp16(value);
  else
    static_cast<float*>(p)[i] = value;
}

// About Gaussian, with a few large ones.
inline void fill_likely(const Floats& x, int64_t count, Random& rng) {
  for (int64_t i = 0; i < count; ++i) {
    const float sum = rng.uniform(-1, 1) + rng.uniform(-1, 1) + rng.uniform(-1, 1);
    put_float(x, i, rng.below(100) == 0 ? 20 * sum : sum);
  }
}

// By groups of 32: zeros of both signs, ties of every element type, blocks near each other's scale
// ties, all finite bits, subnormals, one value repeated.
inline void fill_hard(const Floats& x, int64_t count, Random& rng) {
  for (int64_t group = 0; group < count; group += 32) {
    const uint64_t kind = rng.below(8);
    const int exponent = int(rng.below(40)) - 20;
    const float unit = bit_cast<float>(uint32_t(127 + exponent) << 23);
    const float same = rng.uniform(-1, 1);
    for (int64_t i = group; i < count && i < group + 32; ++i) {
      const float sign = rng.below(2) == 0 ? 1.0f : -1.0f;
      float v = sign * rng.uniform() * unit;
      if (kind == 0) v = sign * 0.0f;
      if (kind == 1) v = sign * float(rng.below(29)) * 0.25f;
      if (kind == 2) v = sign * (6 + float(rng.below(57)) * 0.375f) * unit;
      if (kind == 3) v = bit_cast<float>(rng.next32() & 0xff7fffffu);
      if (kind == 4) v = sign * bit_cast<float>(rng.next32() & 0x7fffffu);
      if (kind == 5) v = same;
      if (kind == 6 && rng.below(3) != 0) v = sign * 0.0f;
      put_float(x, i, v);
    }
  }
}

// The same with NaNs and infinities in some groups.
inline void fill_not_finite(const Floats& x, int64_t count, Random& rng) {
  fill_hard(x, count, rng);
  const uint32_t bits[] = {0x7f800000u, 0xff800000u, 0x7fc00000u, 0xffc00000u, 0x7f800001u};
  for (int64_t group = 0; group < count; group += 32)
    if (rng.below(3) == 0) {
      const int64_t most = std::min<int64_t>(32, count - group);
      put_float(x, group + int64_t(rng.below(uint64_t(most))), bit_cast<float>(bits[rng.below(5)]));
    }
}

}  // namespace nibble
