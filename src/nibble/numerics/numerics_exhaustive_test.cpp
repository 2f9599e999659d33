// All 2^32 floats through every conversion: between two boundaries the code must not change.
#include <gtest/gtest.h>

#include <cmath>

#include "nibble/numerics/bf16.h"
#include "nibble/numerics/e2m1.h"
#include "nibble/numerics/fp16.h"
#include "nibble/numerics/fp8.h"

namespace nibble {
namespace {

// Walks the finite magnitudes in order. From the midpoint above a code's value on, or past it if
// the code is even, the next code is due, and `past` after the last.
template <class Encode>
void walk(uint32_t last, uint32_t past, uint32_t sign, float (*value)(uint32_t), Encode encode) {
  uint32_t code = 0, expected = 0;
  const auto boundary = [&](uint32_t c) -> int64_t {
    if (c > last) return kFloatInf;
    // Past the last finite code the step is the one below it.
    const double step =
        c < last ? double(value(c + 1)) - value(c) : double(value(c)) - value(c - 1);
    return int64_t(float_bits(float(value(c) + step / 2))) + (c % 2 == 0);
  };
  int64_t next = boundary(0);
  for (int64_t u = 0; u < kFloatInf; ++u) {
    if (u == next) {
      expected = ++code <= last ? code : past;
      next = boundary(code);
    }
    const float x = bit_cast<float>(uint32_t(u));
    if (encode(x) != expected || encode(-x) != (expected | sign)) {
      FAIL() << "float bits " << u << " became " << encode(x) << " and " << encode(-x) << ", not +-"
             << expected;
    }
  }
}

template <class T>
float decode(uint32_t code) {
  T x;
  x.bits = decltype(x.bits)(code);
  return to_float(x);
}
constexpr auto kBits = [](auto convert) {
  return [convert](float x) { return uint32_t(convert(x).bits); };
};

TEST(AllFloats, Bf16) {
  walk(0x7f7f, 0x7f80, 0x8000, decode<bf16>, kBits([](float x) { return to_bf16(x); }));
}
TEST(AllFloats, Fp16) {
  walk(0x7bff, 0x7c00, 0x8000, decode<fp16>, kBits([](float x) { return to_fp16(x); }));
}
TEST(AllFloats, E5m2) {
  walk(0x7b, 0x7c, 0x80, decode<e5m2>, kBits([](float x) { return to_e5m2_inf_on_overflow(x); }));
  walk(0x7b, 0x7b, 0x80, decode<e5m2>, kBits([](float x) { return to_e5m2_saturating(x); }));
}
TEST(AllFloats, E4m3) {
  walk(0x7e, 0x7f, 0x80, decode<e4m3>, kBits([](float x) { return to_e4m3_nan_on_overflow(x); }));
  walk(0x7e, 0x7e, 0x80, decode<e4m3>, kBits([](float x) { return to_e4m3_saturating(x); }));
}
TEST(AllFloats, E2m1) {
  walk(7, 7, 8, decode<e2m1>, kBits([](float x) { return to_e2m1_saturating(x); }));
}

}  // namespace
}  // namespace nibble
