// 16-bit arithmetic and packed conversions, exhaustively where the domain is small, against values
// computed in another way: by search over every number of a format, or in long double.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "kernel.h"

namespace ptxrun {
namespace {

// A format by its definition; none of number.h.
struct Small {
  int exponent, mantissa, bias;
  uint32_t top;   // largest finite pattern
  bool infinite;  // has infinities above it
  double value(uint32_t bits) const {
    const uint32_t sign = 1u << (exponent + mantissa), m = bits & (sign - 1);
    if (m > top) return infinite && m == top + 1 ? (bits & sign ? -INFINITY : INFINITY) : NAN;
    const int e = int(m >> mantissa);
    const double f = double(m & ((1u << mantissa) - 1)) / double(1u << mantissa);
    const double v = e ? std::ldexp(1 + f, e - bias) : std::ldexp(f, 1 - bias);
    return bits & sign ? -v : v;
  }
  // The nearest number, ties to the even pattern, by search; beyond half a step above the top,
  // `over`.
  uint32_t nearest(long double x, uint32_t over) const {
    const uint32_t sign = std::signbit(x) ? 1u << (exponent + mantissa) : 0;
    const long double m = std::fabs(x);
    uint32_t low = 0, high = top;
    while (low < high) {
      const uint32_t mid = (low + high + 1) / 2;
      value(mid) <= m ? low = mid : high = mid - 1;
    }
    const long double below = value(low);
    const long double above = low < top ? value(low + 1) : below + (below - value(low - 1));
    const long double d = m - below, u = above - m;
    const bool up = u < d || (u == d && (low & 1));
    if (!up) return sign | low;
    return sign | (low < top ? low + 1 : over);
  }
};
constexpr Small kHalf{5, 10, 15, 0x7bff, true}, kBrain{8, 7, 127, 0x7f7f, true};
constexpr Small kE4m3{4, 3, 7, 0x7e, false}, kE5m2{5, 2, 15, 0x7b, true}, kE2m1{2, 1, 1, 7, false},
    kE2m3{2, 3, 1, 0x1f, false}, kE3m2{3, 2, 3, 0x1f, false};

void expect_bits(const Small& f, uint32_t got, long double exact, const char* what) {
  if (std::isnan(exact)) {
    ASSERT_TRUE(std::isnan(f.value(got))) << what;
  } else if (exact == 0) {
    ASSERT_EQ(f.value(got), 0) << what;
  } else if (std::isinf(exact)) {
    ASSERT_EQ(f.value(got), double(exact)) << what;
  } else {
    ASSERT_EQ(got, f.nearest(exact, f.top + 1)) << what << " " << double(exact);
  }
}

// Ordinary, extreme and special halves; each pair is tried.
std::vector<uint16_t> halves(const Small& f) {
  std::vector<uint16_t> v;
  Random r(17);
  for (uint32_t m : {0u, 1u, 2u, 0x3ffu, 0x400u, 0x401u, f.top, f.top - 1, f.top + 1, f.top + 2})
    for (uint32_t s : {0u, 0x8000u}) v.push_back(uint16_t(m | s));
  for (int k = 0; k < 100; ++k) v.push_back(uint16_t(r.next()));
  const uint32_t one = uint32_t(f.bias)
                       << f.mantissa;  // numbers near 1, whose sums and products round
  for (int k = 0; k < 60; ++k) v.push_back(uint16_t(one + r.next() % 2048 - 1024));
  return v;
}

void arithmetic(const Small& f, const std::string& type) {
  const auto [a, b] = pairs(halves(f), halves(f));
  std::vector<uint16_t> c(a.rbegin(), a.rend());
  const auto sum = apply<uint16_t>("add.rn." + type + " %d, %a, %b;", a, b);
  const auto difference = apply<uint16_t>("sub." + type + " %d, %a, %b;", a, b);
  const auto product = apply<uint16_t>("mul." + type + " %d, %a, %b;", a, b);
  const auto fused = apply<uint16_t>("fma.rn." + type + " %d, %a, %b, %c;", a, b, c);
  const auto relu = apply<uint16_t>("fma.rn.relu." + type + " %d, %a, %b, %c;", a, b, c);
  const auto least = apply<uint16_t>("min." + type + " %d, %a, %b;", a, b);
  const auto most = apply<uint16_t>("max.NaN." + type + " %d, %a, %b;", a, b);
  const auto negated = apply<uint16_t>("neg." + type + " %d, %a;", a);
  for (size_t i = 0; i < a.size(); ++i) {
    const long double x = f.value(a[i]), y = f.value(b[i]), z = f.value(c[i]);
    expect_bits(f, sum[i], x + y, "add");
    expect_bits(f, difference[i], x - y, "sub");
    expect_bits(f, product[i], x * y, "mul");
    const long double exact = x * y + z;
    // bf16 spans more than the 64 bits of a long double: where it cannot be exact, leave it out
    if (std::isnan(exact) || (exact - x * y == z && exact - z == x * y)) {
      expect_bits(f, fused[i], exact, "fma");
      expect_bits(f, relu[i], std::isnan(exact) ? exact : std::max(exact, 0.0L), "fma.relu");
    }
    if (std::isnan(x) || std::isnan(y)) {
      ASSERT_TRUE(std::isnan(f.value(most[i])));
    } else {
      ASSERT_EQ(f.value(most[i]), double(std::max(x, y)));
      ASSERT_EQ(f.value(least[i]), double(std::min(x, y)));
    }
    ASSERT_EQ(negated[i], a[i] ^ 0x8000);
    if (testing::Test::HasFatalFailure()) return;
  }
}
TEST(Half, F16) { arithmetic(kHalf, "f16"); }
TEST(Half, Bf16) { arithmetic(kBrain, "bf16"); }

// Packed forms are the scalar ones, twice.
TEST(Half, Pairs) {
  Random r(23);
  std::vector<uint32_t> a(2000), b(2000);
  for (size_t i = 0; i < a.size(); ++i) a[i] = uint32_t(r.next()), b[i] = uint32_t(r.next());
  auto half = [](const std::vector<uint32_t>& v, int k) {
    std::vector<uint16_t> h(v.size());
    for (size_t i = 0; i < v.size(); ++i) h[i] = uint16_t(v[i] >> 16 * k);
    return h;
  };
  for (const std::string op : {"add", "mul", "min", "max"})
    for (const std::string type : {"f16", "bf16"}) {
      const auto both = apply<uint32_t>(op + "." + type + "x2 %d, %a, %b;", a, b);
      for (int k = 0; k < 2; ++k)
        ASSERT_EQ(half(both, k),
                  apply<uint16_t>(op + "." + type + " %d, %a, %b;", half(a, k), half(b, k)))
            << op << type;
    }
  const auto less = apply<uint32_t>(
      "setp.lt.f16x2 p1|p2, %a, %b;\nselp.u32 %d, 1, 0, p1;\n@p2 add.u32 %d, %d, 2;", a, b);
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_EQ(less[i], uint32_t(kHalf.value(a[i] & 0xffff) < kHalf.value(b[i] & 0xffff)) +
                           2 * uint32_t(kHalf.value(a[i] >> 16) < kHalf.value(b[i] >> 16)));
}

// Every number of the narrow formats to f16.
TEST(Packed, NarrowToHalf) {
  struct Row {
    const char* type;
    Small f;
    int bits;
  };
  for (const Row& row : {Row{"e4m3x2", kE4m3, 8},
                         {"e5m2x2", kE5m2, 8},
                         {"e2m3x2", kE2m3, 8},
                         {"e3m2x2", kE3m2, 8}}) {
    std::vector<uint16_t> a(65536);
    for (uint32_t k = 0; k < 65536; ++k)
      a[k] = uint16_t(row.bits == 8 && row.f.top == 0x1f ? k & 0x3f3f : k);
    const auto d = apply<uint32_t>(std::string("cvt.rn.f16x2.") + row.type + " %d, %a;", a);
    for (uint32_t k = 0; k < 65536; ++k) {
      expect_bits(kHalf, d[k] & 0xffff, row.f.value(a[k] & 255), row.type);
      expect_bits(kHalf, d[k] >> 16, row.f.value(a[k] >> 8), row.type);
      if (HasFatalFailure()) return;
    }
  }
  std::vector<uint32_t> a(256);
  for (uint32_t k = 0; k < 256; ++k) a[k] = k;
  const auto d = apply<uint32_t>(
      "{\n.reg .b8 b0, b1, b2, b3;\nmov.b32 {b0, b1, b2, b3}, %a;\ncvt.rn.f16x2.e2m1x2 %d, b0;\n}",
      a);
  for (uint32_t k = 0; k < 256; ++k) {
    ASSERT_EQ(kHalf.value(d[k] & 0xffff), kE2m1.value(k & 15));
    ASSERT_EQ(kHalf.value(d[k] >> 16), kE2m1.value(k >> 4));
  }
}

// Floats at, above and below every midpoint of a format, and beyond its ends.
std::vector<uint32_t> around(const Small& f) {
  std::vector<uint32_t> v;
  for (uint32_t k = 0; k < f.top; ++k)
    for (int o : {-1, 0, 1})
      v.push_back(std::bit_cast<uint32_t>(float((f.value(k) + f.value(k + 1)) / 2)) + uint32_t(o));
  for (float x : {0.f, 1e9f, float(f.value(f.top)), float(f.value(f.top)) * 1.01f,
                  float(f.value(f.top)) * 1.5f, 1e-30f, float(INFINITY)})
    v.push_back(std::bit_cast<uint32_t>(x));
  const size_t n = v.size();
  for (size_t i = 0; i < n; ++i) v.push_back(v[i] | 0x80000000u);
  return v;
}
TEST(Packed, FloatToNarrow) {
  struct Row {
    const char* type;
    Small f;
  };
  for (const Row& row :
       {Row{"e4m3x2", kE4m3}, {"e5m2x2", kE5m2}, {"e2m3x2", kE2m3}, {"e3m2x2", kE3m2}}) {
    const auto a = around(row.f);
    std::vector<uint32_t> b(a.rbegin(), a.rend());
    const auto d =
        apply<uint16_t>(std::string("cvt.rn.satfinite.") + row.type + ".f32 %d, %a, %b;", a, b);
    for (size_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(d[i] >> 8, row.f.nearest(std::bit_cast<float>(a[i]), row.f.top))
          << row.type << std::bit_cast<float>(a[i]);
      ASSERT_EQ(d[i] & 255, int(row.f.nearest(std::bit_cast<float>(b[i]), row.f.top))) << row.type;
    }
  }
  const auto a = around(kE2m1);
  const auto d = apply<uint32_t>(
      "{\n.reg .b8 b0;\n.reg .b8 z;\ncvt.rn.satfinite.e2m1x2.f32 b0, %a, %a;\nmov.b32 %d, {b0, b0, "
      "b0, b0};\n}",
      a);
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_EQ(d[i], kE2m1.nearest(std::bit_cast<float>(a[i]), kE2m1.top) * 0x11111111u)
        << std::bit_cast<float>(a[i]);
}
TEST(Packed, FloatsToHalves) {
  const auto a = around(kE5m2);
  std::vector<uint32_t> b(a.rbegin(), a.rend());
  const auto h = apply<uint32_t>("cvt.rn.f16x2.f32 %d, %a, %b;", a, b);
  const auto r = apply<uint32_t>("cvt.rn.relu.bf16x2.f32 %d, %a, %b;", a, b);
  const auto t = apply<uint32_t>("cvt.rna.tf32.f32 %d, %a;", a);
  for (size_t i = 0; i < a.size(); ++i) {
    const float x = std::bit_cast<float>(a[i]), y = std::bit_cast<float>(b[i]);
    expect_bits(kHalf, h[i] >> 16, x, "f16x2");
    expect_bits(kHalf, h[i] & 0xffff, y, "f16x2");
    expect_bits(kBrain, r[i] >> 16, std::max(x, 0.f), "bf16x2");
    if (HasFatalFailure()) return;
    if (std::isfinite(x)) {
      // ties away from zero: half a step added to the magnitude, the rest cut off
      ASSERT_EQ(t[i], (a[i] + 0x1000u) & 0xffffe000u);
    }
  }
}
TEST(Packed, Scales) {
  std::vector<uint32_t> a;
  for (int e = -127; e < 128; ++e)
    for (float m : {1.f, 1.25f, 1.999f}) a.push_back(std::bit_cast<uint32_t>(std::ldexp(m, e)));
  const auto up = apply<uint16_t>("cvt.rp.satfinite.ue8m0x2.f32 %d, %a, %a;", a);
  const auto down = apply<uint16_t>("cvt.rz.satfinite.ue8m0x2.f32 %d, %a, %a;", a);
  for (size_t i = 0; i < a.size(); ++i) {
    const double x = std::bit_cast<float>(a[i]);
    int e = 0;
    while (e < 254 && std::ldexp(1.0, e - 127) < x) ++e;
    ASSERT_EQ(up[i] & 255, e) << x;
    const int lower = std::ldexp(1.0, e - 127) > x ? std::max(e - 1, 0) : e;
    ASSERT_EQ(down[i] >> 8, lower) << x;
  }
}

}  // namespace
}  // namespace ptxrun
