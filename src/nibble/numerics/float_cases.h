// Floats to encode, for the cases of ops: likely ones, and those that an encoder is likeliest to
// get wrong.
#pragma once
#include <algorithm>

#include "nibble/base/case.h"
#include "nibble/numerics/floats.h"
#include "nibble/numerics/fp8.h"

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

// Elements [begin, begin + count) with that greatest magnitude, in blocks of NVFP4: their scales
// are ties of e4m3 or a step of a float from one, so that roundings in another order come out as
// other bytes; or blocks are 2^13 to 2^far times as small, so that the scale is subnormal, and from
// 2^18 on may be 0.
inline void fill_scale_ties(const Floats& x, int64_t begin, int64_t count, float amax, Random& rng,
                            int far = 24) {
  constexpr int64_t kBlock = 16;
  for (int64_t block = 0; block < count; block += kBlock) {
    const auto code = uint8_t(rng.below(0x7e));
    const float tie = (to_float(e4m3{code}) + to_float(e4m3{uint8_t(code + 1)})) / 2;
    const int exponent = 127 - far + int(rng.below(uint64_t(far - 13)));
    const uint32_t small = uint32_t(exponent) << 23 | rng.next32() >> 9;
    float most = amax * (rng.below(4) == 0 ? bit_cast<float>(small) : tie * 6 / 2688);
    most = bit_cast<float>(float_bits(most) + uint32_t(rng.below(3)));
    if (block == 0) most = amax;
    const int64_t at = int64_t(rng.below(kBlock));
    for (int64_t i = 0; i < kBlock; ++i)
      put_float(x, begin + block + i, i == at ? most : most * rng.uniform(-1, 1));
  }
}

// Hard ones with NaNs and infinities in some groups.
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
