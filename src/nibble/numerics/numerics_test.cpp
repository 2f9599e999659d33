// Every code and every rounding boundary of every format, against values computed in double from
// the formats' definitions.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "nibble/numerics/bf16.h"
#include "nibble/numerics/e2m1.h"
#include "nibble/numerics/fp16.h"
#include "nibble/numerics/fp8.h"
#include "nibble/numerics/s8.h"
#include "nibble/numerics/ternary.h"

namespace nibble {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// A conversion as the tests see it. `past` is the code of what overflows.
struct Conversion {
  const char* name;
  int bias, fraction_bits, sign_bit;
  uint32_t last, past;  // last finite magnitude code
  bool saturates;       // infinity too
  uint32_t nan;         // of +NaN
  float (*decode)(uint32_t);
  uint32_t (*encode)(float);
  uint32_t (*encode_double)(double);
};

template <class T>
float decode(uint32_t code) {
  T x;
  x.bits = decltype(x.bits)(code);
  return to_float(x);
}
#define NIBBLE_ENCODERS(f) \
  [](float x) { return uint32_t(f(x).bits); }, [](double x) { return uint32_t(f(x).bits); }

const Conversion kConversions[] = {
    {"bf16", 127, 7, 15, 0x7f7f, 0x7f80, false, 0x7fc0, decode<bf16>, NIBBLE_ENCODERS(to_bf16)},
    {"fp16", 15, 10, 15, 0x7bff, 0x7c00, false, 0x7e00, decode<fp16>, NIBBLE_ENCODERS(to_fp16)},
    {"e5m2_inf_on_overflow", 15, 2, 7, 0x7b, 0x7c, false, 0x7e, decode<e5m2>,
     NIBBLE_ENCODERS(to_e5m2_inf_on_overflow)},
    {"e5m2_saturating", 15, 2, 7, 0x7b, 0x7b, true, 0x7e, decode<e5m2>,
     NIBBLE_ENCODERS(to_e5m2_saturating)},
    {"e4m3_nan_on_overflow", 7, 3, 7, 0x7e, 0x7f, false, 0x7f, decode<e4m3>,
     NIBBLE_ENCODERS(to_e4m3_nan_on_overflow)},
    {"e4m3_saturating", 7, 3, 7, 0x7e, 0x7e, true, 0x7f, decode<e4m3>,
     NIBBLE_ENCODERS(to_e4m3_saturating)},
    {"e2m1_saturating", 1, 1, 3, 7, 7, true, 7, decode<e2m1>, NIBBLE_ENCODERS(to_e2m1_saturating)},
};

// The value of a magnitude code by definition; also of the codes just past the last.
double value(const Conversion& c, uint32_t code) {
  const int exponent = int(code >> c.fraction_bits);
  const double fraction = code & ((1u << c.fraction_bits) - 1);
  const double unit = std::ldexp(1.0, -c.fraction_bits);
  return exponent == 0 ? std::ldexp(fraction * unit, 1 - c.bias)
                       : std::ldexp(1 + fraction * unit, exponent - c.bias);
}

class Formats : public testing::TestWithParam<Conversion> {};
INSTANTIATE_TEST_SUITE_P(All, Formats, testing::ValuesIn(kConversions),
                         [](const auto& p) { return std::string(p.param.name); });

TEST_P(Formats, EveryFiniteCodeHasItsValueAndRoundTrips) {
  const Conversion& c = GetParam();
  for (uint32_t code = 0; code <= c.last; ++code)
    for (uint32_t sign : {0u, 1u << c.sign_bit}) {
      const float x = c.decode(sign | code);
      ASSERT_EQ(x, sign ? -value(c, code) : value(c, code)) << code;
      ASSERT_EQ(std::signbit(x), sign != 0) << code;
      ASSERT_EQ(c.encode(x), sign | code);
      ASSERT_EQ(c.encode_double(x), sign | code);
    }
}

TEST_P(Formats, EveryMidpointGoesToTheEvenCodeAndItsNeighboursToTheNearest) {
  const Conversion& c = GetParam();
  for (uint32_t code = 0; code <= c.last; ++code) {
    const uint32_t above = code < c.last ? code + 1 : c.past;
    const uint32_t even = code & 1 ? above : code;
    const double mid = (value(c, code) + value(c, code + 1)) / 2;  // exact in float and in double
    ASSERT_EQ(mid, float(mid));
    const float low = std::nextafter(float(mid), 0.0f), high = std::nextafter(float(mid), INFINITY);
    for (uint32_t sign : {0u, 1u << c.sign_bit}) {
      const float s = sign ? -1 : 1;
      ASSERT_EQ(c.encode(s * low), sign | code) << low;
      ASSERT_EQ(c.encode(s * float(mid)), sign | even) << mid;
      ASSERT_EQ(c.encode(s * high), sign | above) << high;
      // One ulp of a double beside the midpoint is the midpoint to a float: rounding twice fails.
      ASSERT_EQ(c.encode_double(s * std::nextafter(mid, 0)), sign | code) << mid;
      ASSERT_EQ(c.encode_double(s * mid), sign | even) << mid;
      ASSERT_EQ(c.encode_double(s * std::nextafter(mid, kInf)), sign | above) << mid;
    }
  }
}

TEST_P(Formats, InfinitiesNaNsAndExtremesAreAsDocumented) {
  const Conversion& c = GetParam();
  const uint32_t sign = 1u << c.sign_bit;
  const double tiny = std::numeric_limits<double>::denorm_min();
  for (double x : {kInf, 1e300, 0x1.fffffffp127}) {
    EXPECT_EQ(c.encode_double(x), c.past) << x;
    EXPECT_EQ(c.encode_double(-x), sign | c.past) << x;
  }
  EXPECT_EQ(c.encode(INFINITY), c.past);
  EXPECT_EQ(c.encode(-INFINITY), sign | c.past);
  EXPECT_EQ(c.encode_double(-tiny), sign);
  EXPECT_EQ(c.encode(-1e-45f), sign);
  const bool has_nan = c.nan > c.last;
  EXPECT_EQ(c.encode(kNaN), c.nan);
  EXPECT_EQ(c.encode(-kNaN), has_nan ? sign | c.nan : c.nan);
  EXPECT_EQ(c.encode_double(std::numeric_limits<double>::quiet_NaN()), c.nan);
  for (uint32_t code = c.last + 1; code < sign; ++code) {
    const float x = c.decode(code);
    if (code == c.past && c.past != c.nan) {
      EXPECT_EQ(x, INFINITY);
      EXPECT_EQ(c.encode(x), code);
    } else if (x != INFINITY) {  // the saturating twin of a format with infinities decodes them too
      EXPECT_TRUE(std::isnan(x)) << code;
      EXPECT_EQ(c.encode(x), c.nan) << code;
      EXPECT_TRUE(std::isnan(c.decode(sign | code)) && std::signbit(c.decode(sign | code)));
      EXPECT_EQ(c.encode(c.decode(sign | code)), sign | c.nan) << code;
    }
  }
}

TEST(RoundToOdd, IsExactOnFloatsAndOddBetweenThem) {
  for (uint32_t u = 0; u < kFloatInf; u += 0x1003) {
    const float x = bit_cast<float>(u), up = bit_cast<float>(u + 1), odd = u & 1 ? x : up;
    ASSERT_EQ(float_bits(round_to_odd(double(x))), u);
    ASSERT_EQ(float_bits(round_to_odd(-double(x))), u | 0x80000000u);
    if (u + 1 == kFloatInf) break;
    ASSERT_EQ(round_to_odd(std::nextafter(double(x), kInf)), odd) << x;
    ASSERT_EQ(round_to_odd((double(x) + double(up)) / 2), odd) << x;
    ASSERT_EQ(round_to_odd(std::nextafter(double(up), 0)), odd) << x;
  }
}

TEST(Ue8m0, EveryCodeRoundTripsAndDirectedRoundingBrackets) {
  for (int code = 0; code < 255; ++code) {
    const ue8m0 x{uint8_t(code)};
    const float f = to_float(x);
    ASSERT_EQ(double(f), std::ldexp(1.0, code - 127));
    ASSERT_EQ(to_ue8m0_down(f).bits, code);
    ASSERT_EQ(to_ue8m0_up(f).bits, code);
    const int next = std::min(code + 1, 254), previous = std::max(code - 1, 0);
    ASSERT_EQ(to_ue8m0_down(std::nextafter(f, INFINITY)).bits, code);
    ASSERT_EQ(to_ue8m0_up(std::nextafter(f, INFINITY)).bits, next);
    ASSERT_EQ(to_ue8m0_down(std::nextafter(f, 0.0f)).bits, previous);
    ASSERT_EQ(to_ue8m0_up(std::nextafter(f, 0.0f)).bits, code);
  }
  EXPECT_TRUE(std::isnan(to_float(ue8m0{0xff})));
  for (const auto& convert :
       {+[](float x) { return to_ue8m0_down(x); }, +[](float x) { return to_ue8m0_up(x); }}) {
    EXPECT_EQ(convert(0.0f).bits, 0);
    EXPECT_EQ(convert(-0.0f).bits, 0);
    EXPECT_EQ(convert(1e-45f).bits, 0);
    EXPECT_EQ(convert(INFINITY).bits, 254);
    for (float bad : {kNaN, -kNaN, -1.0f, -1e-45f, -INFINITY}) EXPECT_EQ(convert(bad).bits, 0xff);
  }
}

TEST(E2m1, PacksTheEvenElementLow) {
  for (int a = 0; a < 16; ++a)
    for (int b = 0; b < 16; ++b) {
      const e2m1x2 x = pack(e2m1{uint8_t(a)}, e2m1{uint8_t(b)});
      ASSERT_EQ(x.bits, a + 16 * b);
      ASSERT_EQ(low(x).bits, a);
      ASSERT_EQ(high(x).bits, b);
    }
}

TEST(Ternary, EveryByteUnpacksAndOnlyThreeIsNoCode) {
  for (int byte = 0; byte < 256; ++byte) {
    const ternary_x4 x{uint8_t(byte)};
    int w[4];
    bool valid = true;
    for (int j = 0; j < 4; ++j) {
      w[j] = ternary_at(x, j);
      ASSERT_EQ(w[j], byte / (1 << 2 * j) % 4 - 1);
      valid = valid && w[j] < 2;
    }
    ASSERT_EQ(is_ternary(x), valid) << byte;
    ASSERT_EQ(pack_ternary(w[0], w[1], w[2], w[3]).bits, byte);
  }
  EXPECT_EQ(to_ternary(0.5f), 0);
  EXPECT_EQ(to_ternary(std::nextafter(0.5f, 1.0f)), 1);
  EXPECT_EQ(to_ternary(-0.5f), 0);
  EXPECT_EQ(to_ternary(std::nextafter(-0.5f, -1.0f)), -1);
  EXPECT_EQ(to_ternary(-INFINITY), -1);
  EXPECT_EQ(to_ternary(kNaN), 0);
}

TEST(S8, RoundsEveryBoundaryToEvenAndClamps) {
  for (int q = -129; q <= 128; ++q) {
    const float mid = q + 0.5f;
    const auto clamp = [](int v) { return std::max(-127, std::min(127, v)); };
    ASSERT_EQ(to_s8(float(q)), clamp(q));
    ASSERT_EQ(to_s8(mid), clamp(q % 2 == 0 ? q : q + 1)) << mid;
    ASSERT_EQ(to_s8(std::nextafter(mid, -INFINITY)), clamp(q)) << mid;
    ASSERT_EQ(to_s8(std::nextafter(mid, INFINITY)), clamp(q + 1)) << mid;
  }
  EXPECT_EQ(to_s8(INFINITY), 127);
  EXPECT_EQ(to_s8(-INFINITY), -127);
  EXPECT_EQ(to_s8(-1e-45f), 0);
  EXPECT_EQ(to_s8(kNaN), 0);
}

}  // namespace
}  // namespace nibble
