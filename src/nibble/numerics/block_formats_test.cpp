// What block formats promise, whatever the mode. Their bytes are compared with other
// implementations in tests/python/block_formats_test.py.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "nibble/base/random.h"
#include "nibble/numerics/absmax.h"
#include "nibble/numerics/four_over_six.h"
#include "nibble/numerics/fp8_scale.h"
#include "nibble/numerics/hadamard.h"
#include "nibble/numerics/mx.h"
#include "nibble/numerics/nvfp4.h"
#include "nibble/numerics/nvfp4_recipe.h"
#include "nibble/numerics/scale_layout.h"
#include "nibble/numerics/stochastic.h"
#include "nibble/numerics/ternary_packed.h"

namespace nibble {
namespace {

constexpr Nvfp4 kModes[] = {Nvfp4::te,      Nvfp4::vllm,           Nvfp4::modelopt,
                            Nvfp4::torchao, Nvfp4::torchao_single, Nvfp4::ct_f32,
                            Nvfp4::ct_bf16};
constexpr MxScale kRules[] = {MxScale::floor, MxScale::ceil, MxScale::even, MxScale::rceil};

TEST(ScaleLayout, GoesThereAndBackAndZeroesThePads) {
  for (int64_t rows : {1, 31, 32, 33, 127, 128, 129, 300})
    for (int64_t cols : {1, 3, 4, 5, 8, 17}) {
      std::vector<uint8_t> linear(size_t(rows * cols)), back(linear.size());
      for (size_t i = 0; i < linear.size(); ++i) linear[i] = uint8_t(1 + i % 255);
      std::vector<uint8_t> atoms(size_t(scale_bytes_128x4(rows, cols)), 0xcc);
      scales_to_128x4(linear.data(), rows, cols, atoms.data());
      scales_from_128x4(atoms.data(), rows, cols, back.data());
      ASSERT_EQ(back, linear) << rows << "x" << cols;
      std::set<int64_t> used;
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = 0; c < cols; ++c) used.insert(scale_offset_128x4(r, c, cols));
      ASSERT_EQ(used.size(), linear.size());
      for (size_t i = 0; i < atoms.size(); ++i) {
        if (used.count(int64_t(i))) continue;
        ASSERT_EQ(atoms[i], 0) << rows << "x" << cols << " at " << i;
      }
    }
}

TEST(ScaleLayout, FillsWholeAtomsWithoutCollision) {
  std::vector<int> seen(size_t(scale_bytes_128x4(256, 8)));
  for (int64_t r = 0; r < 256; ++r)
    for (int64_t c = 0; c < 8; ++c) ++seen.at(size_t(scale_offset_128x4(r, c, 8)));
  for (int n : seen) ASSERT_EQ(n, 1);
}

// The widest gap between elements is from 4 to 6, so an element is off by at most 1 in units of the
// scale, which is greatest / 6 rounded by at most 1/16 of itself.
TEST(Nvfp4, DecodesToWithinHalfAStep) {
  Random rng(1);
  for (Nvfp4 mode : kModes)
    for (int round = 0; round < 2000; ++round) {
      float x[kNvfp4Block], greatest = 0;
      for (float& v : x) {
        v = rng.uniform(-1, 1);
        greatest = std::max(greatest, std::fabs(v));
      }
      const Nvfp4Tensor t = nvfp4_tensor(mode, 1.0f);
      const e4m3 scale = nvfp4_scale(mode, t, greatest);
      for (float v : x) {
        const float back = nvfp4_value(t, scale, nvfp4_element(mode, t, scale, v));
        ASSERT_LE(std::fabs(back - v), greatest / 6 * (1 + 1.0f / 16)) << int(mode) << " " << v;
        ASSERT_EQ(std::signbit(back), std::signbit(v));
      }
    }
}

TEST(Nvfp4, WhatItDecodesToEncodesToTheSameCodes) {
  for (Nvfp4 mode : {Nvfp4::te, Nvfp4::vllm, Nvfp4::modelopt, Nvfp4::torchao, Nvfp4::ct_f32})
    for (int scale = 0x10; scale <= 0x7e; ++scale) {
      // A tensor of amax 2688 whose tensor scale is 1, and a block that holds its code 7.
      const Nvfp4Tensor t = nvfp4_tensor(mode, 2688);
      ASSERT_EQ(t.decode, 1);
      const float amax = nvfp4_value(t, {uint8_t(scale)}, {7});
      const e4m3 again = nvfp4_scale(mode, t, amax);
      ASSERT_EQ(again.bits, scale) << int(mode);
      for (uint8_t code = 0; code < 16; ++code) {
        const e2m1 e = nvfp4_element(mode, t, again, nvfp4_value(t, again, {code}));
        ASSERT_EQ(e.bits, code == 8 && mode != Nvfp4::torchao ? 0 : code) << int(mode);
      }
    }
}

TEST(Nvfp4, ZeroAndUnderflowingBlocksAreAsDocumented) {
  const auto scale_of = [](Nvfp4 mode, float tensor, float block) {
    return nvfp4_scale(mode, nvfp4_tensor(mode, tensor), block).bits;
  };
  const int zero[] = {0, 0, 0x38, 0x08, 0x08, 0x20, 0x20};
  for (size_t i = 0; i < std::size(kModes); ++i)
    for (float tensor : {0.0f, 1.0f, 3e38f}) EXPECT_EQ(scale_of(kModes[i], tensor, 0), zero[i]);
  // 1e-6 of the tensor's greatest: below the least e4m3.
  const auto code = [](Nvfp4 mode, float x) {
    const Nvfp4Tensor t = nvfp4_tensor(mode, 1);
    return nvfp4_element(mode, t, nvfp4_scale(mode, t, 1e-6f), x).bits;
  };
  EXPECT_EQ(scale_of(Nvfp4::te, 1, 1e-6f), 0);
  EXPECT_EQ(code(Nvfp4::te, 1e-7f), 7);
  EXPECT_EQ(code(Nvfp4::te, -1e-7f), 15);
  EXPECT_EQ(code(Nvfp4::te, -0.0f), 0);
  EXPECT_EQ(code(Nvfp4::vllm, -1e-7f), 8);
  EXPECT_EQ(scale_of(Nvfp4::modelopt, 1, 1e-6f), 1);
  EXPECT_EQ(scale_of(Nvfp4::ct_f32, 1, 1e-6f), 0x20);
  EXPECT_EQ(code(Nvfp4::torchao, -0.0f), 8);
}

// By every recipe: a block without an infinity, of zeros, and with one, in a tensor that has one.
TEST(Nvfp4, InfinitiesAreAsDocumented) {
  constexpr float inf = std::numeric_limits<float>::infinity();
  constexpr float finite[16] = {1, -1, 3e38f, -3e38f, -0.0f}, zero[16] = {},
                  infinite[16] = {-inf, 1, -3e38f, -0.0f};
  struct Answer {
    uint8_t scale, codes[5];
  };
  const auto expect = [](const Nvfp4Recipe& r, const char* name, const float* x, const Answer& a) {
    const Nvfp4Block b = nvfp4_block(r, inf, x);
    EXPECT_EQ(b.scale.bits, a.scale) << name;
    for (int i = 0; i < 5; ++i) EXPECT_EQ(b.codes[i].bits, a.codes[i]) << name << ", element " << i;
  };
  for (const auto& [name, r] : kNvfp4Recipes) {
    SCOPED_TRACE(name);
    const bool authors = r.four_over_six && r.sequence == FourOverSixSequence::authors;
    const bool te = r.four_over_six ? !authors : r.mode == Nvfp4::te;
    const bool single = !r.four_over_six && r.mode == Nvfp4::torchao_single;
    const bool torchao = !r.four_over_six && (single || r.mode == Nvfp4::torchao);
    const uint8_t minus = torchao ? 8 : 0;  // the code of -0
    const uint8_t none = r.four_over_six                                       ? 0
                         : torchao                                             ? 0x08
                         : r.mode == Nvfp4::modelopt                           ? 0x38
                         : r.mode == Nvfp4::ct_f32 || r.mode == Nvfp4::ct_bf16 ? 0x20
                                                                               : 0;
    expect(r, "zero", zero, {none, {}});
    if (te || single) {
      expect(r, "finite", finite, {0x7e, {0, 8, 7, 15, minus}});
      expect(r, "infinite", infinite, {0x7e, {15, 0, 15, minus, 0}});
    } else if (!r.four_over_six && r.mode == Nvfp4::ggml) {
      expect(r, "finite", finite, {0x7e, {}});
      expect(r, "infinite", infinite, {0x7e, {}});
    } else {
      const uint8_t below = authors ? 0 : 8;
      expect(r, "finite", finite, {none, {0, below, 0, below, minus}});
      expect(r, "infinite", infinite, {0x7f, {7, 7, 7, minus, 0}});
    }
  }
}

TEST(Stochastic, ExpectsWhatItRounds) {
  Random rng(9);
  for (int round = 0; round < 50; ++round) {
    const float y = rng.uniform(-7, 7), within = std::min(6.0f, std::max(-6.0f, y));
    const Stochastic s{.on = true, .seed = uint64_t(round), .stream = 1};
    constexpr int draws = 20000;
    double sum = 0;
    for (uint64_t i = 0; i < draws; ++i)
      sum += double(to_float(to_e2m1_stochastic(y, random_bits(s, i))));
    // Six deviations: one draw's is at most half of the widest step.
    EXPECT_NEAR(sum / draws, within, 6 / std::sqrt(double(draws))) << y;
  }
  for (uint8_t code = 0; code < 16; ++code)
    for (uint32_t bits : {0u, 1u, 0x80000000u, ~0u})
      EXPECT_EQ(to_e2m1_stochastic(to_float(e2m1{code}), bits).bits, code);
}

TEST(Stochastic, NumbersElementsWhereverATensorIsCut) {
  const Stochastic whole{.on = true, .seed = 7, .stream = 2};
  const Stochastic piece{.on = true, .seed = 7, .stream = 2, .first = 1003};
  for (uint64_t i = 0; i < 100; ++i) ASSERT_EQ(random_bits(piece, i), random_bits(whole, 1003 + i));
}

TEST(Hadamard, IsItsOwnInverseAndSpreadsOneElementOverAll) {
  for (uint16_t signs : {uint16_t(0), kHadamardSigns})
    for (int at = 0; at < kHadamard; ++at) {
      float x[kHadamard] = {};
      x[at] = 8;
      hadamard_transform(signs, false, x);
      for (int i = 0; i < kHadamard; ++i) {
        const bool negative = (__builtin_popcount(unsigned(i & at)) + (signs >> at)) % 2 != 0;
        ASSERT_EQ(x[i], negative ? -2 : 2);
      }
      hadamard_transform(signs, true, x);
      for (int i = 0; i < kHadamard; ++i) ASSERT_EQ(x[i], i == at ? 8 : 0);
    }
}

TEST(FourOverSix, TakesTheScaleOfTheSmallerError) {
  // 3 of 4 is where the maps differ most: 4.5 is no element, 3 is.
  float x[kNvfp4Block] = {4, 3, 3, 3};
  const FourOverSix f{.greatest_scale = 256, .amax = 4};
  const FourOverSixBlock four = four_over_six(f, x);
  EXPECT_EQ(four.codes[0].bits, 6);
  EXPECT_EQ(four.codes[1].bits, 5);
  EXPECT_EQ(four.error, 0);
  EXPECT_EQ(to_float(four.scale) * four_over_six_decode(f), 1);
  x[1] = x[2] = x[3] = 2;  // 3 of 6, exact in both: a tie
  EXPECT_EQ(four_over_six(f, x).codes[0].bits, 7);
  const float zero[kNvfp4Block] = {};
  EXPECT_EQ(four_over_six(f, zero).scale.bits, 0);
  EXPECT_EQ(four_over_six({.amax = 0}, zero).codes[3].bits, 0);
}

template <class Element>
void mx_round_trip(int codes, int last) {
  // Below, the least elements lie between floats.
  for (int scale = 25; scale < 254 - MxElement<Element>::exponent; ++scale)
    for (int code = 0; code < codes; ++code) {
      const Element e{uint8_t(code)};
      if (!std::isfinite(to_float(e))) continue;
      const float x = mx_value(ue8m0{uint8_t(scale)}, e);
      ASSERT_EQ(mx_element<Element>({uint8_t(scale)}, x).bits, code) << scale;
    }
  for (MxScale rule : kRules)
    for (int scale = 0; scale < 254 - MxElement<Element>::exponent; ++scale) {
      const float x = mx_value(ue8m0{uint8_t(scale)}, Element{uint8_t(last)});
      // 1.5 or 1.75 times a power of two: ceil alone goes on to the next.
      const int expected = scale + (rule == MxScale::ceil);
      ASSERT_EQ(mx_scale<Element>(rule, x).bits, expected) << int(rule) << " " << scale;
    }
}
TEST(Mx, DecodesExactlyAndKnowsItsOwnScale) {
  mx_round_trip<e2m1>(16, 7);
  mx_round_trip<e4m3>(256, 0x7e);
  mx_round_trip<e5m2>(256, 0x7b);
}

TEST(Mx, RceilNeverSaturatesAndIsTheLeastThatDoesNot) {
  Random rng(2);
  for (int round = 0; round < 100'000; ++round) {
    const float amax = std::ldexp(1 + rng.uniform(), int(rng.below(200)) - 100);
    const int scale = mx_scale<e2m1>(MxScale::rceil, amax).bits;
    ASSERT_LE(amax, std::ldexp(6.0f, scale - 127));
    ASSERT_GT(amax, std::ldexp(6.0f, scale - 128));
  }
}

// The mantissa decides alone: all of them, at one exponent.
TEST(Mx, RceilByProductIsRceilByQuotient) {
  for (float largest : {6.0f, 448.0f, 57344.0f})
    for (uint32_t u = float_bits(1.0f); u < float_bits(2.0f); ++u) {
      const float amax = bit_cast<float>(u);
      ASSERT_EQ(to_ue8m0_up(amax * (1 / largest)).bits, to_ue8m0_up(amax / largest).bits);
    }
  EXPECT_EQ(to_float(mx_scale<e4m3>(MxScale::rceil, 1e-4f)), 0x1p-22f);
  EXPECT_EQ(to_float(mx_scale<e4m3>(MxScale::rceil, 1)), 0x1p-8f);
  EXPECT_EQ(to_float(mx_scale<e4m3>(MxScale::rceil, 449)), 2);
  EXPECT_EQ(to_float(mx_scale<e2m1>(MxScale::rceil, 6.0625f)), 2);
}

TEST(Mx, ZeroAndNotFiniteBlocks) {
  for (MxScale rule : kRules) {
    EXPECT_EQ(mx_scale<e4m3>(rule, 0).bits, 0);
    EXPECT_EQ(mx_scale<e4m3>(rule, NAN).bits, 0xff);
    EXPECT_EQ(mx_scale<e4m3>(rule, INFINITY).bits, rule == MxScale::rceil ? 254 : 247);
  }
  EXPECT_EQ(mx_element<e4m3>({0xff}, 1).bits, 0);
  EXPECT_TRUE(std::isnan(mx_value(ue8m0{0xff}, e2m1{1})));
  EXPECT_EQ(mx_element<e2m1>({0}, 0x1p-127f).bits, 2);
  EXPECT_EQ(mx_element<e2m1>({254}, 0x1.8p127f).bits, 3);
}

TEST(Absmax, RowsAndTensorsRoundTrip) {
  const float scale = s8_scale(254);
  EXPECT_EQ(scale, 2);
  for (int q = -127; q <= 127; ++q) ASSERT_EQ(s8_element(scale, float(q) * scale), q);
  EXPECT_EQ(s8_element(scale, 255), 127);
  EXPECT_EQ(s8_element(s8_scale(0), 0), 0);
  EXPECT_EQ(ternary_gamma(8, 4), 2);
  EXPECT_EQ(ternary_gamma(0, 0), 0);
  EXPECT_EQ(ternary_element(2, 1), 0);
  EXPECT_EQ(ternary_element(2, -3), -1);
  EXPECT_EQ(ternary_element(2, 4), 1);
  EXPECT_EQ(ternary_element(0, 0), 0);
}

TEST(Fp8, ZeroAndNotFiniteTilesAreAsDocumented) {
  EXPECT_EQ(fp8_scale(Fp8Scale::f32, 896), 2);
  EXPECT_EQ(fp8_scale(Fp8Scale::bf16, 449), 0x1.0p0f);
  EXPECT_EQ(fp8_scale(Fp8Scale::ue8m0, 449), 2);
  EXPECT_EQ(fp8_scale(Fp8Scale::f32, 0), 0x1p-23f);
  EXPECT_EQ(fp8_scale(Fp8Scale::bf16, 0), 0x1p-7f);
  EXPECT_EQ(fp8_scale(Fp8Scale::ue8m0, 0), 0x1p-22f);  // of 1e-4
  EXPECT_TRUE(std::isnan(fp8_scale(Fp8Scale::f32, NAN)));
  EXPECT_EQ(fp8_scale_ue8m0(INFINITY).bits, 254);
  EXPECT_EQ(fp8_element(1, NAN).bits, 0x7f);
  EXPECT_EQ(fp8_element(INFINITY, -1).bits, 0x80);
  EXPECT_EQ(fp8_element(INFINITY, -INFINITY).bits, 0x7f);
  EXPECT_EQ(fp8_element(1, -INFINITY).bits, 0xfe);
  EXPECT_EQ(fp8_element(1, -0.0f).bits, 0x80);
  EXPECT_EQ(fp8_element(4, 0x1p-8f).bits, 0);  // half of the least: a tie
}

TEST(Ternary, PacksFiveToAByteWithoutLoss) {
  std::set<int> bytes;
  for (int n = 0; n < 243; ++n) {
    int8_t w[5];
    for (int j = 4, rest = n; j >= 0; --j, rest /= 3) w[j] = int8_t(rest % 3 - 1);
    const uint8_t byte = pack_ternaries(TernaryPacking::base3, w, 5);
    bytes.insert(byte);
    for (int j = 0; j < 5; ++j) ASSERT_EQ(ternary_at(TernaryPacking::base3, byte, j), w[j]);
  }
  EXPECT_EQ(bytes.size(), 243u);
  const int8_t two[] = {1, -1};
  EXPECT_EQ(pack_ternaries(TernaryPacking::two_bit, two, 2), 0b01'01'00'10);
}

}  // namespace
}  // namespace nibble
