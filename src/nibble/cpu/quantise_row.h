// A row of floats as int8 or int16 codes and a scale: what numerics/absmax.h and s16.h say, for 16
// lanes. For files compiled for AVX2 or AVX-512.
#pragma once
#include "nibble/cpu/narrow16.h"
#include "nibble/numerics/absmax.h"
#include "nibble/numerics/s16.h"

namespace nibble::cpu {
namespace {

template <class Code>
constexpr float kMostCode = sizeof(Code) == 1 ? 127.0f : float(kS16Max);

[[maybe_unused, gnu::always_inline]] inline void store(int16_t* p, I16 a) {
  store_low_halves(p, a);
}

// The greatest magnitude as float bits; NaNs are above infinity.
template <class T>
[[gnu::always_inline]] inline uint32_t greatest_magnitude(const T* x, int64_t count) {
  I16 most = splat(0);
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) most = max(most, magnitude(load(x + i)));
  if (i < count) most = max(most, magnitude(load_part(x + i, count - i)));
  return uint32_t(greatest_lane(most));
}

// The scale for a row whose greatest magnitude is that.
template <class Code>
[[gnu::always_inline]] inline float row_scale(uint32_t greatest) {
  return bit_cast<float>(greatest > kFloatInf ? kFloatQuietNaN : greatest) / kMostCode<Code>;
}

template <class Code>
[[gnu::always_inline]] inline I16 codes_of(F16 x, F16 scale) {
  return round_clamped(x / scale, -kMostCode<Code>, kMostCode<Code>);
}

// Returns the scale. Codes are 0 where it is 0, infinite or NaN. Codes may not overlap x.
template <class T, class Code>
inline float quantise_row(const T* x, int64_t count, Code* codes) {
  const float scale = row_scale<Code>(greatest_magnitude(x, count));
  if (!(scale > 0 && magnitude_bits(scale) < kFloatInf)) {
    __builtin_memset(codes, 0, size_t(count) * sizeof(Code));
    return scale;
  }
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) store(codes + i, codes_of<Code>(load(x + i), splat(scale)));
  if (i < count)
    store_part(codes + i, codes_of<Code>(load_part(x + i, count - i), splat(scale)), count - i);
  return scale;
}

}  // namespace
}  // namespace nibble::cpu
