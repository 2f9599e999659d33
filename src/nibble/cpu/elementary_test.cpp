// The elementary functions give the same bits as one float, portably, with AVX2 and with AVX-512.
#include "nibble/cpu/elementary_test.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <vector>

#include "nibble/base/random.h"
#include "nibble/cpu/detect.h"

namespace nibble::cpu {
namespace {

using Apply = void (*)(Fn, const float*, float*, int64_t);
using Sums = void (*)(const float*, int, float*, float*);
struct Way {
  const char* name;
  IsaSet needs;
  Apply apply;
  Sums sums;
};
constexpr Way kWays[] = {
    {"portable", Isa::portable, apply_portable, sums_portable},
#if defined(__x86_64__)
    {"avx2", Isa::avx2, apply_avx2, sums_avx2},
    {"avx512", Isa::avx512, apply_avx512, sums_avx512},
#endif
};

// Every 4099th pattern of 32 bits (both signs, subnormals, NaNs), and the edges of every function.
std::vector<float> inputs() {
  std::vector<float> x;
  for (uint64_t b = 0; b <= 0xffffffffull; b += 4099)
    x.push_back(std::bit_cast<float>(uint32_t(b)));
  constexpr float inf = std::numeric_limits<float>::infinity();
  for (float edge : {0.0f,        0x1p-149f, 0x1p-126f,  0x1p-25f,      0x1p-24f, 0.34657359f,
                     0.70710678f, 1.0f,      16.6355f,   17.3286f,      20.0f,    87.33655f,
                     88.72283f,   90.0f,     103.27893f, 103.97208f,    105.0f,   65504.0f,
                     65519.996f,  65520.0f,  0x1p127f,   3.4028235e38f, inf})
    for (float v : {edge, std::nextafter(edge, 0.0f), std::nextafter(edge, inf)}) {
      x.push_back(v);
      x.push_back(-v);
    }
  return x;
}

TEST(Elementary, EveryIsaGivesTheBitsOfOneFloat) {
  const std::vector<float> x = inputs();
  std::vector<float> want(x.size()), got(x.size());
  for (Fn fn : kFns) {
    apply_scalar(fn, x.data(), want.data(), int64_t(x.size()));
    for (const Way& way : kWays) {
      if (!this_machine().has(way.needs)) continue;
      way.apply(fn, x.data(), got.data(), int64_t(x.size()));
      for (size_t i = 0; i < x.size(); ++i) {
        if (fn == Fn::round_fp16 && std::isnan(x[i])) continue;  // which NaN is left open
        ASSERT_EQ(std::bit_cast<uint32_t>(want[i]), std::bit_cast<uint32_t>(got[i]))
            << way.name << " function " << int(fn) << " of " << x[i];
      }
    }
  }
}

TEST(Elementary, KnownValues) {
  constexpr float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(math::exp(0.0f), 1.0f);
  EXPECT_EQ(math::exp(-inf), 0.0f);
  EXPECT_EQ(math::exp(inf), inf);
  EXPECT_EQ(math::exp(-103.5f), 0x1p-149f);
  EXPECT_EQ(math::expm1(-inf), -1.0f);
  EXPECT_EQ(math::expm1(1e-30f), 1e-30f);
  EXPECT_TRUE(std::signbit(math::expm1(-0.0f)));
  EXPECT_EQ(math::log(1.0f), 0.0f);
  EXPECT_EQ(math::log(0.0f), -inf);
  EXPECT_EQ(math::log(inf), inf);
  EXPECT_TRUE(std::isnan(math::log(-1e-45f)));
  EXPECT_EQ(math::sigmoid(0.0f), 0.5f);
  EXPECT_EQ(math::sigmoid(-inf), 0.0f);
  EXPECT_EQ(math::sigmoid(inf), 1.0f);
  EXPECT_EQ(math::tanh(-inf), -1.0f);
  EXPECT_TRUE(std::signbit(math::tanh(-0.0f)));
}

TEST(Reduce, EveryIsaFollowsTheLanesAndTheTree) {
  constexpr int kMax = 101;
  Random rng(5);
  std::vector<float> x(kMax);
  for (float& v : x) v = rng.uniform(-1, 1) * std::ldexp(1.0f, int(rng.below(40)) - 20);
  for (const Way& way : kWays) {
    if (!this_machine().has(way.needs)) continue;
    std::vector<float> s(kMax + 1), d(kMax + 1);
    way.sums(x.data(), kMax, s.data(), d.data());
    for (int n = 0; n <= kMax; ++n) {
      float sum[16] = {}, dot[16] = {};
      for (int i = 0; i < n; ++i) {
        sum[i % 16] = sum[i % 16] + x[i];
        dot[i % 16] = std::fma(x[i], x[i], dot[i % 16]);
      }
      for (float* l : {sum, dot})
        for (int half = 8; half; half /= 2)
          for (int i = 0; i < half; ++i) l[i] = l[i] + l[i + half];
      EXPECT_EQ(std::bit_cast<uint32_t>(sum[0]), std::bit_cast<uint32_t>(s[n])) << way.name << n;
      EXPECT_EQ(std::bit_cast<uint32_t>(dot[0]), std::bit_cast<uint32_t>(d[n])) << way.name << n;
    }
  }
}

}  // namespace
}  // namespace nibble::cpu
