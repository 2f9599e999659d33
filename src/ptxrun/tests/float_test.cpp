// Floating-point arithmetic and conversions against formulas of their own: long double, or the
// definition of a format spelt out.
#include <gtest/gtest.h>

#include <cfenv>
#include <cmath>

#include "kernel.h"
#include "ptxrun/number.h"

namespace ptxrun {
namespace {

std::vector<uint32_t> float_bits() {
  std::vector<uint32_t> v;
  Random r(11);
  for (uint32_t e : {0u, 1u, 2u, 100u, 126u, 127u, 128u, 150u, 253u, 254u, 255u})
    for (uint32_t m : {0u, 1u, 0x400000u, 0x7fffffu, uint32_t(r.next() & 0x7fffff)})
      for (uint32_t s : {0u, 1u}) v.push_back(s << 31 | e << 23 | m);
  return v;
}
float value(uint32_t bits) { return std::bit_cast<float>(bits); }
bool same(uint32_t got, float expected) {
  return std::isnan(expected) ? got == 0x7fffffffu : got == std::bit_cast<uint32_t>(expected);
}
float flushed(float x) { return std::fabs(x) < 0x1p-126f ? std::copysign(0.f, x) : x; }

TEST(Float, Arithmetic) {
  struct Row {
    const char* text;
    float (*formula)(float, float);
  };
  const Row rows[] = {
      {"add.f32 %d, %a, %b;", [](float a, float b) { return a + b; }},
      {"add.ftz.f32 %d, %a, %b;",
       [](float a, float b) { return flushed(flushed(a) + flushed(b)); }},
      {"sub.rn.f32 %d, %a, %b;", [](float a, float b) { return a - b; }},
      {"mul.f32 %d, %a, %b;", [](float a, float b) { return a * b; }},
      {"mul.sat.f32 %d, %a, %b;",
       [](float a, float b) {
         const float p = a * b;
         return p > 0 ? std::min(p, 1.f) : 0.f;  // NaN and -0 become +0
       }},
      {"div.rn.f32 %d, %a, %b;", [](float a, float b) { return a / b; }},
      {"fma.rn.f32 %d, %a, %b, %a;", [](float a, float b) { return std::fmaf(a, b, a); }},
      {"fma.rn.f32 %d, %a, %b, 0f3F800001;",
       [](float a, float b) { return std::fmaf(a, b, 0x1.000002p0f); }},
      {"sqrt.rn.f32 %d, %a;", [](float a, float) { return std::sqrt(a); }},
      {"rcp.rn.f32 %d, %a;", [](float a, float) { return 1 / a; }},
      {"min.NaN.f32 %d, %a, %b;",
       [](float a, float b) {
         return a != a || b != b                     ? NAN
                : std::signbit(a) != std::signbit(b) ? (std::signbit(a) ? a : b)
                                                     : std::min(a, b);
       }},
      {"max.f32 %d, %a, %b;",
       [](float a, float b) {
         return a != a                               ? b
                : b != b                             ? a
                : std::signbit(a) != std::signbit(b) ? (std::signbit(a) ? b : a)
                                                     : std::max(a, b);
       }},
  };
  const auto [a, b] = pairs(float_bits(), float_bits());
  for (const Row& row : rows) {
    const auto d = apply<uint32_t>(row.text, a, b);
    for (size_t i = 0; i < d.size(); ++i)
      ASSERT_TRUE(same(d[i], row.formula(value(a[i]), value(b[i]))))
          << row.text << " " << value(a[i]) << " " << value(b[i]) << " gives " << value(d[i]);
  }
}

// Directed roundings bracket the exact result: sums and products of floats are exact in long double
// up to exponents 2^63 apart, where the comparison still sees the right side.
TEST(Float, DirectedRounding) {
  std::vector<uint32_t> v;
  Random r(3);
  for (int k = 0; k < 40; ++k)
    v.push_back(uint32_t(r.next() % 2 << 31) | uint32_t(110 + r.next() % 30) << 23 |
                uint32_t(r.next() & 0x7fffff));
  const auto [a, b] = pairs(v, v);
  for (const char* op : {"add", "mul"}) {
    const bool adds = op[0] == 'a';
    const auto down = apply<uint32_t>(std::string(op) + ".rm.f32 %d, %a, %b;", a, b);
    const auto up = apply<uint32_t>(std::string(op) + ".rp.f32 %d, %a, %b;", a, b);
    const auto zero = apply<uint32_t>(std::string(op) + ".rz.f32 %d, %a, %b;", a, b);
    for (size_t i = 0; i < a.size(); ++i) {
      const long double x = value(a[i]), y = value(b[i]), exact = adds ? x + y : x * y;
      const float lo = value(down[i]), hi = value(up[i]);
      ASSERT_TRUE(lo <= exact && hi >= exact);
      ASSERT_TRUE(lo == hi ? lo == exact : std::nextafter(lo, INFINITY) == hi);
      ASSERT_EQ(value(zero[i]), exact > 0 ? lo : hi);
    }
  }
}

TEST(Float, Functions) {
  std::vector<uint32_t> a;
  for (int k = -40; k < 40; ++k) a.push_back(std::bit_cast<uint32_t>(float(k) * 0.37f));
  struct Row {
    const char* text;
    double (*formula)(double);
  };
  const Row rows[] = {
      {"ex2.approx.f32 %d, %a;", [](double x) { return std::exp2(x); }},
      {"sin.approx.f32 %d, %a;", [](double x) { return std::sin(x); }},
      {"cos.approx.f32 %d, %a;", [](double x) { return std::cos(x); }},
      {"tanh.approx.f32 %d, %a;", [](double x) { return std::tanh(x); }},
      {"lg2.approx.f32 %d, %a;", [](double x) { return std::log2(x); }},
      {"rsqrt.approx.f32 %d, %a;", [](double x) { return 1 / std::sqrt(x); }},
  };
  for (const Row& row : rows) {
    const auto d = apply<uint32_t>(row.text, a);
    for (size_t i = 0; i < d.size(); ++i) {
      const double expected = row.formula(value(a[i])), got = value(d[i]);
      if (std::isnan(expected)) {
        ASSERT_TRUE(std::isnan(got)) << row.text << value(a[i]);
      } else if (std::isinf(expected)) {
        ASSERT_EQ(got, expected);
      } else {
        ASSERT_LE(std::fabs(got - expected), std::fabs(expected) * 1.2e-7)
            << row.text << value(a[i]);
      }
    }
  }
}

TEST(Float, Comparisons) {
  const auto [a, b] = pairs(float_bits(), float_bits());
  struct Row {
    const char* name;
    bool (*formula)(float, float);
  };
  const Row rows[] = {
      {"lt", [](float a, float b) { return a < b; }},
      {"ne", [](float a, float b) { return a == a && b == b && a != b; }},
      {"geu", [](float a, float b) { return !(a < b); }},
      {"equ", [](float a, float b) { return a != a || b != b || a == b; }},
      {"nan", [](float a, float b) { return a != a || b != b; }},
      {"num", [](float a, float b) { return a == a && b == b; }},
      {"neu", [](float a, float b) { return a != b; }},
  };
  for (const Row& row : rows) {
    const auto d = apply<uint32_t>(
        std::string("setp.") + row.name + ".f32 p1, %a, %b; selp.u32 %d, 1, 0, p1;", a, b);
    for (size_t i = 0; i < d.size(); ++i)
      ASSERT_EQ(d[i], uint32_t(row.formula(value(a[i]), value(b[i])))) << row.name;
  }
}

// A half by its definition: sign, 5 bits of exponent, 10 of fraction.
double half(uint32_t h) {
  const int e = h >> 10 & 31, m = h & 1023;
  const double v = e == 31 ? (m ? NAN : INFINITY)
                   : e     ? std::ldexp(1 + m / 1024.0, e - 15)
                           : std::ldexp(m / 1024.0, -14);
  return h & 0x8000 ? -v : v;
}
TEST(Convert, EveryHalfToFloatAndBack) {
  std::vector<uint16_t> all(65536);
  for (uint32_t k = 0; k < 65536; ++k) all[k] = uint16_t(k);
  const auto f = apply<uint32_t>("cvt.f32.f16 %d, %a;", all);
  const auto back = apply<uint16_t>("cvt.rn.f16.f32 %d, %a;", f);
  const auto brain = apply<uint32_t>("cvt.f32.bf16 %d, %a;", all);
  for (uint32_t k = 0; k < 65536; ++k) {
    const double h = half(k);
    if (std::isnan(h)) {
      ASSERT_EQ(f[k], 0x7fffffffu);
      ASSERT_EQ(back[k], 0x7fff);
    } else {
      ASSERT_EQ(double(value(f[k])), h);
      ASSERT_EQ(back[k], k);
    }
    if (!std::isnan(value(k << 16))) {
      ASSERT_EQ(brain[k], k << 16);
    }
  }
}
// Rounding to half: the nearest of all halves, ties to the even pattern, found by search.
TEST(Convert, FloatToHalfIsNearest) {
  std::vector<uint32_t> a;
  Random r(5);
  for (uint32_t k = 0; k + 1 < 0x7c00; k += 37)  // midpoints and their neighbours
    for (int o : {-1, 0, 1})
      a.push_back(std::bit_cast<uint32_t>(float((half(k) + half(k + 1)) / 2)) + uint32_t(o));
  for (int k = 0; k < 2000; ++k) a.push_back(uint32_t(r.next()));
  const auto d = apply<uint16_t>("cvt.rn.f16.f32 %d, %a;", a);
  const auto z = apply<uint16_t>("cvt.rz.f16.f32 %d, %a;", a);
  for (size_t i = 0; i < a.size(); ++i) {
    const double x = value(a[i]);
    if (std::isnan(x)) continue;
    ASSERT_EQ(std::signbit(half(d[i])), std::signbit(x));
    const double m = std::fabs(x), g = std::fabs(half(d[i]));
    if (m >= 65520) {
      ASSERT_TRUE(std::isinf(g));
      continue;
    }
    const uint32_t k = d[i] & 0x7fff;
    const double error = std::fabs(g - m);
    const double above = k < 0x7bff ? std::fabs(half(k + 1) - m) : 65536 - m,
                 below = k ? std::fabs(half(k - 1) - m) : m + 1;
    ASSERT_TRUE(error <= above && error <= below) << x;
    if (error == above || error == below) {
      ASSERT_EQ(k & 1, 0u) << x;
    }
    const double t = std::fabs(half(z[i]));
    ASSERT_TRUE(t <= m && half((z[i] & 0x7fff) + 1) > m) << x;
  }
}
TEST(Convert, Integers) {
  std::vector<uint32_t> a(65536);
  for (uint32_t k = 0; k < 65536; ++k) a[k] = k * 65537;
  const auto s8 = apply<int32_t>("cvt.s32.s8 %d, %a;", a);
  const auto u16 = apply<uint32_t>("cvt.u32.u16 %d, %a;", a);
  const auto sat = apply<int32_t>("cvt.sat.s8.s32 %d, %a;", a);
  const auto wide = apply<int64_t>("cvt.s64.s32 %d, %a;", a);
  const auto f = apply<uint32_t>("cvt.rn.f32.s32 %d, %a;", a);
  const auto up = apply<uint32_t>("cvt.rp.f32.u32 %d, %a;", a);
  for (uint32_t k = 0; k < 65536; ++k) {
    const int32_t v = int32_t(a[k]);
    ASSERT_EQ(s8[k], int32_t(int8_t(v)));
    ASSERT_EQ(u16[k], a[k] & 0xffff);
    ASSERT_EQ(sat[k], std::min(127, std::max(-128, v)));
    ASSERT_EQ(wide[k], int64_t(v));
    ASSERT_EQ(value(f[k]), float(v));
    const float u = value(up[k]);
    ASSERT_TRUE(double(u) >= a[k] && (a[k] == 0 || double(std::nextafter(u, 0.f)) < a[k]));
  }
}
TEST(Convert, FloatToInteger) {
  std::vector<uint32_t> a = float_bits();
  for (int k = -30; k < 30; ++k) a.push_back(std::bit_cast<uint32_t>(float(k) / 4));
  const char* const modes[] = {"rni", "rzi", "rmi", "rpi"};
  for (int m = 0; m < 4; ++m) {
    const auto d = apply<int32_t>(std::string("cvt.") + modes[m] + ".s32.f32 %d, %a;", a);
    const auto w = apply<uint32_t>(std::string("cvt.") + modes[m] + ".f32.f32 %d, %a;", a);
    for (size_t i = 0; i < a.size(); ++i) {
      const float x = value(a[i]);
      const float whole = m == 0   ? std::rint(x)
                          : m == 1 ? std::trunc(x)
                          : m == 2 ? std::floor(x)
                                   : std::ceil(x);
      ASSERT_TRUE(same(w[i], whole)) << x;
      const int32_t expected = x != x             ? 0
                               : whole >= 0x1p31f ? INT32_MAX
                               : whole < -0x1p31f ? INT32_MIN
                                                  : int32_t(whole);
      ASSERT_EQ(d[i], expected) << modes[m] << " " << x;
    }
  }
}
// 64-bit integers round once: the nearest float, ties to even, checked in long double.
TEST(Convert, WideIntegersRoundOnce) {
  std::vector<uint64_t> a = samples<uint64_t>(500, 9);
  for (uint64_t k = 1; k < 64; ++k)
    a.push_back((1ull << 40) * k + (1ull << 16) * 3 + 1), a.push_back(0x8000008000000000ull + k);
  const auto d = apply<uint32_t>("cvt.rn.f32.u64 %d, %a;", a);
  const auto s = apply<uint32_t>("cvt.rn.f32.s64 %d, %a;", a);
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(value(d[i]), float(a[i])) << a[i];
    ASSERT_EQ(value(s[i]), float(int64_t(a[i]))) << a[i];
  }
}

}  // namespace
}  // namespace ptxrun
