// Integer instructions against formulas that share nothing with the interpreter.
#include <gtest/gtest.h>

#include "kernel.h"

namespace ptxrun {
namespace {

template <class T>
struct Binary {
  const char* text;
  T (*formula)(T, T);
};
template <class T, size_t N>
void check_all(const Binary<T> (&rows)[N]) {
  const auto [a, b] = pairs(samples<T>(20, 1), samples<T>(20, 2));
  for (const auto& row : rows) {
    const auto d = apply<T>(row.text, a, b);
    int wrong = 0;
    for (size_t i = 0; i < d.size() && wrong < 3; ++i)
      if (d[i] != row.formula(a[i], b[i])) {
        ADD_FAILURE() << row.text << " of " << +a[i] << ", " << +b[i] << " gives " << +d[i];
        ++wrong;
      }
  }
}

TEST(Integer, Unsigned32) {
  using T = uint32_t;
  constexpr Binary<T> rows[] = {
      {"add.u32 %d, %a, %b;", [](T a, T b) { return a + b; }},
      {"sub.u32 %d, %a, %b;", [](T a, T b) { return a - b; }},
      {"mul.lo.u32 %d, %a, %b;", [](T a, T b) { return a * b; }},
      {"mul.hi.u32 %d, %a, %b;", [](T a, T b) { return T(uint64_t(a) * b >> 32); }},
      {"mad.lo.u32 %d, %a, %b, %a;", [](T a, T b) { return a * b + a; }},
      {"mad.hi.u32 %d, %a, %b, %b;", [](T a, T b) { return T(uint64_t(a) * b >> 32) + b; }},
      {"mul24.lo.u32 %d, %a, %b;", [](T a, T b) { return (a & 0xffffff) * (b & 0xffffff); }},
      {"div.u32 %d, %a, %b;", [](T a, T b) { return b ? a / b : ~0u; }},
      {"rem.u32 %d, %a, %b;", [](T a, T b) { return b ? a % b : a; }},
      {"min.u32 %d, %a, %b;", [](T a, T b) { return a < b ? a : b; }},
      {"max.u32 %d, %a, %b;", [](T a, T b) { return a > b ? a : b; }},
      {"and.b32 %d, %a, %b;", [](T a, T b) { return a & b; }},
      {"or.b32 %d, %a, %b;", [](T a, T b) { return a | b; }},
      {"xor.b32 %d, %a, %b;", [](T a, T b) { return a ^ b; }},
      {"shl.b32 %d, %a, %b;", [](T a, T b) { return b > 31 ? 0 : a << b; }},
      {"shr.u32 %d, %a, %b;", [](T a, T b) { return b > 31 ? 0 : a >> b; }},
      {"sad.u32 %d, %a, %b, %a;", [](T a, T b) { return (a < b ? b - a : a - b) + a; }},
      {"shf.l.wrap.b32 %d, %a, %b, %a;",
       [](T a, T b) { return T((uint64_t(b) << 32 | a) << (a & 31) >> 32); }},
      {"shf.r.clamp.b32 %d, %a, %b, %b;",
       [](T a, T b) { return T((uint64_t(b) << 32 | a) >> (b < 32 ? b : 32)); }},
      {"lop3.b32 %d, %a, %b, %a, 0x96;", [](T a, T b) { return a ^ b ^ a; }},
      {"lop3.b32 %d, %a, %b, 0x0f0f0f0f, 0xca;",
       [](T a, T b) { return (a & b) | (~a & 0x0f0f0f0fu); }},
      {"prmt.b32 %d, %a, %b, 0x5140;",
       [](T a, T b) {
         return (a & 255) | (b & 255) << 8 | (a >> 8 & 255) << 16 | (b >> 8 & 255) << 24;
       }},
      {"prmt.b32 %d, %a, %b, 0xfb3c;",
       [](T a, T b) {
         auto sign = [](T x, int k) { return x >> (8 * k + 7) & 1 ? 255u : 0u; };
         return sign(b, 0) | (a >> 24) << 8 | sign(a, 3) << 16 | sign(b, 3) << 24;
       }},
      {"bfi.b32 %d, %a, %b, 5, 9;",
       [](T a, T b) { return (b & ~(0x1ffu << 5)) | (a & 0x1ff) << 5; }},
      {"bmsk.clamp.b32 %d, 3, 4;", [](T, T) { return 0x78u; }},
      {"set.lt.u32.u32 %d, %a, %b;", [](T a, T b) { return a < b ? ~0u : 0; }},
      {"setp.lo.u32 p1, %a, %b; selp.u32 %d, %a, %b, p1;", [](T a, T b) { return a < b ? a : b; }},
      {"setp.ge.or.u32 p1|p2, %a, %b, p0; selp.u32 %d, 1, 0, p2;",
       [](T a, T b) { return T(a < b); }},
      {"add.cc.u32 %x, %a, %b; addc.u32 %d, 0, 0;",
       [](T a, T b) { return T((uint64_t(a) + b) >> 32); }},
      {"sub.cc.u32 %x, %a, %b; subc.u32 %d, 7, 0;", [](T a, T b) { return 7 - T(a < b); }},
      {"mad.lo.cc.u32 %x, %a, %b, %a; madc.hi.u32 %d, %a, %b, 0;",
       [](T a, T b) { return T((uint64_t(a) * b + a) >> 32); }},
  };
  check_all(rows);
}

TEST(Integer, Signed32) {
  using T = int32_t;
  constexpr Binary<T> rows[] = {
      {"mul.hi.s32 %d, %a, %b;", [](T a, T b) { return T(int64_t(a) * b >> 32); }},
      {"div.s32 %d, %a, %b;", [](T a, T b) { return b == 0 ? -1 : T(int64_t(a) / b); }},
      {"rem.s32 %d, %a, %b;", [](T a, T b) { return b == 0 ? a : T(int64_t(a) % b); }},
      {"min.s32 %d, %a, %b;", [](T a, T b) { return a < b ? a : b; }},
      {"max.s32 %d, %a, %b;", [](T a, T b) { return a > b ? a : b; }},
      {"abs.s32 %d, %a;", [](T a, T) { return T(a < 0 ? 0u - uint32_t(a) : uint32_t(a)); }},
      {"neg.s32 %d, %a;", [](T a, T) { return T(0u - uint32_t(a)); }},
      {"shr.s32 %d, %a, %b;",
       [](T a, T b) { return uint32_t(b) > 31 ? (a < 0 ? -1 : 0) : a >> b; }},
      {"add.sat.s32 %d, %a, %b;",
       [](T a, T b) {
         const int64_t s = int64_t(a) + b;
         return T(std::min<int64_t>(std::max<int64_t>(s, INT32_MIN), INT32_MAX));
       }},
      {"sub.sat.s32 %d, %a, %b;",
       [](T a, T b) {
         const int64_t s = int64_t(a) - b;
         return T(std::min<int64_t>(std::max<int64_t>(s, INT32_MIN), INT32_MAX));
       }},
      {"mul24.lo.s32 %d, %a, %b;",
       [](T a, T b) {
         auto low = [](T x) {
           const int32_t v = x & 0xffffff;
           return int64_t(v >= 1 << 23 ? v - (1 << 24) : v);
         };
         return T(low(a) * low(b));
       }},
      {"slct.s32.s32 %d, %a, 77, %b;", [](T a, T b) { return b >= 0 ? a : 77; }},
      {"bfe.s32 %d, %a, 4, 12;", [](T a, T) { return T(uint32_t(a) << 16) >> 20; }},
      {"szext.clamp.s32 %d, %a, 11;", [](T a, T) { return T(uint32_t(a) << 21) >> 21; }},
      {"bfind.s32 %d, %a;",
       [](T a, T) {
         const uint32_t x = uint32_t(a < 0 ? ~a : a);
         T k = -1;
         for (int i = 0; i < 32; ++i)
           if (x >> i & 1) k = i;
         return k;
       }},
      {"dp4a.s32.s32 %d, %a, %b, %a;",
       [](T a, T b) {
         uint32_t s = uint32_t(a);
         for (int k = 0; k < 4; ++k)
           s += uint32_t(int(int8_t(a >> 8 * k)) * int(int8_t(b >> 8 * k)));
         return T(s);
       }},
      {"dp4a.u32.s32 %d, %a, %b, 0;",
       [](T a, T b) {
         uint32_t s = 0;
         for (int k = 0; k < 4; ++k)
           s += uint32_t(int(uint8_t(a >> 8 * k)) * int(int8_t(b >> 8 * k)));
         return T(s);
       }},
      {"dp2a.hi.s32.u32 %d, %a, %b, 5;",
       [](T a, T b) {
         return T(5u + uint32_t(int(int16_t(a)) * int(uint8_t(b >> 16))) +
                  uint32_t(int(int16_t(a >> 16)) * int(uint8_t(b >> 24))));
       }},
  };
  check_all(rows);
}

TEST(Integer, Wide) {
  constexpr Binary<uint64_t> rows[] = {
      {"add.u64 %d, %a, %b;", [](uint64_t a, uint64_t b) { return a + b; }},
      {"mul.lo.u64 %d, %a, %b;", [](uint64_t a, uint64_t b) { return a * b; }},
      {"mul.hi.u64 %d, %a, %b;",
       [](uint64_t a, uint64_t b) { return uint64_t((unsigned __int128)a * b >> 64); }},
      {"div.u64 %d, %a, %b;", [](uint64_t a, uint64_t b) { return b ? a / b : ~uint64_t(0); }},
      {"shl.b64 %d, %a, 13;", [](uint64_t a, uint64_t) { return a << 13; }},
      {"shr.s64 %d, %a, 63;",
       [](uint64_t a, uint64_t) { return a >> 63 ? ~uint64_t(0) : uint64_t(0); }},
      {"max.s64 %d, %a, %b;",
       [](uint64_t a, uint64_t b) { return int64_t(a) > int64_t(b) ? a : b; }},
      {"not.b64 %d, %a;", [](uint64_t a, uint64_t) { return ~a; }},
      {"brev.b64 %d, %a;",
       [](uint64_t a, uint64_t) {
         uint64_t r = 0;
         for (int k = 0; k < 64; ++k) r = r * 2 + (a >> k & 1);
         return r;
       }},
  };
  check_all(rows);
  const auto [a, b] = pairs(samples<uint32_t>(20, 5), samples<uint32_t>(20, 6));
  const auto u = apply<uint64_t>("mul.wide.u32 %d, %a, %b;", a, b);
  const auto s = apply<uint64_t>("mul.wide.s32 %d, %a, %b;", a, b);
  const auto m = apply<uint64_t>("mad.wide.s32 %d, %a, %b, -3;", a, b);
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(u[i], uint64_t(a[i]) * b[i]);
    EXPECT_EQ(int64_t(s[i]), int64_t(int32_t(a[i])) * int32_t(b[i]));
    EXPECT_EQ(int64_t(m[i]), int64_t(int32_t(a[i])) * int32_t(b[i]) - 3);
  }
}

TEST(Integer, CountsOfBits) {
  const auto a = samples<uint32_t>(100, 7);
  const auto pop = apply<uint32_t>("popc.b32 %d, %a;", a);
  const auto clz = apply<uint32_t>("clz.b32 %d, %a;", a);
  const auto shift = apply<uint32_t>("bfind.shiftamt.u32 %d, %a;", a);
  const auto cnot = apply<uint32_t>("cnot.b32 %d, %a;", a);
  for (size_t i = 0; i < a.size(); ++i) {
    uint32_t ones = 0, zeros = 0;
    for (int k = 0; k < 32; ++k) ones += a[i] >> k & 1;
    while (zeros < 32 && !(a[i] >> (31 - zeros) & 1)) ++zeros;
    EXPECT_EQ(pop[i], ones);
    EXPECT_EQ(clz[i], zeros);
    EXPECT_EQ(shift[i], a[i] ? zeros : ~0u);
    EXPECT_EQ(cnot[i], a[i] == 0 ? 1u : 0u);
  }
}

// Every pair of bytes through the 16-bit instructions.
TEST(Integer, Sixteen) {
  std::vector<int16_t> a, b;
  for (int x = -128; x < 128; ++x)
    for (int y = -128; y < 128; ++y) a.push_back(int16_t(x * 257)), b.push_back(int16_t(y * 129));
  const auto sum = apply<int16_t>("add.s16 %d, %a, %b;", a, b);
  const auto product = apply<int16_t>("mul.lo.s16 %d, %a, %b;", a, b);
  const auto high = apply<int16_t>("mul.hi.s16 %d, %a, %b;", a, b);
  const auto wide = apply<int32_t>("mul.wide.s16 %d, %a, %b;", a, b);
  const auto least = apply<int16_t>("min.s16 %d, %a, %b;", a, b);
  for (size_t i = 0; i < a.size(); ++i) {
    const int32_t x = a[i], y = b[i];
    ASSERT_EQ(sum[i], int16_t(x + y));
    ASSERT_EQ(product[i], int16_t(x * y));
    ASSERT_EQ(high[i], int16_t(x * y >> 16));
    ASSERT_EQ(wide[i], x * y);
    ASSERT_EQ(least[i], int16_t(std::min(x, y)));
  }
}

}  // namespace
}  // namespace ptxrun
