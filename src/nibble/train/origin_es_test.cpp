#include "nibble/train/origin_es.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <set>

#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"
#include "nibble/numerics/ternary_hash.h"
#include "nibble/runtime/error.h"
#include "nibble/train/tinyshakespeare.h"

namespace nibble::train {
namespace {

TEST(OriginSeeds, AreTheGoldenOnes) {
  EXPECT_EQ(origin_pair_seed(1, 0, 0), 0xe335781a98e3ecafu);
  EXPECT_EQ(origin_pair_seed(1, 0, 1), 0xd2bee685c8ec11a8u);
  EXPECT_EQ(origin_pair_seed(1, 1, 0), 0xbb5d40b616497bc1u);
}

TEST(OriginBatch, StartsWhereTheStreamSays) {
  Bytes text(1115394);
  for (size_t i = 0; i < text.size(); ++i) text[i] = uint8_t(mix64(7, i));
  const OriginBatch b = origin_batch(text, mix64(1, 0), 4, 128);
  const size_t starts[] = {630208, 597202, 46703, 1046189};
  for (size_t s = 0; s < 4; ++s)
    for (size_t t = 0; t < 128; ++t) {
      ASSERT_EQ(b.tokens[128 * s + t], text[starts[s] + t]);
      ASSERT_EQ(b.targets[128 * s + t], text[starts[s] + t + 1]);
    }
}

TEST(OriginBatch, RefusesATextThatIsTooShort) {
  EXPECT_THROW(origin_batch(Bytes(9), 1, 1, 8), Error);
  EXPECT_EQ(origin_batch(Bytes(10), 1, 1, 8).tokens.size(), 8u);
}

TEST(OriginShape, RanksAreEquallySpacedWithUnitVariance) {
  const std::array<double, 4> f = {0.3, -9, 0.1, 5};
  const auto w = origin_shape(Fitness::rank, 3, f);
  const double step = 2 * std::sqrt(3.0) * std::sqrt(3.0 / 5.0) / 3;  // from -x to x in 3 steps
  EXPECT_NEAR(w[1], -1.5 * step, 1e-5);
  EXPECT_NEAR(w[2], -0.5 * step, 1e-5);
  EXPECT_NEAR(w[0], 0.5 * step, 1e-5);
  EXPECT_NEAR(w[3], 1.5 * step, 1e-5);
}

TEST(OriginShape, BreaksTiesByTheOrderOfPairs) {
  const std::array<double, 3> f = {1, 1, 1};
  const auto w = origin_shape(Fitness::rank, 3, f);
  EXPECT_LT(w[0], w[1]);
  EXPECT_LT(w[1], w[2]);
}

TEST(OriginShape, OtherKinds) {
  const std::array<double, 3> f = {-2, 0, 2};
  EXPECT_EQ(origin_shape(Fitness::sign, 3, f), (std::vector<float>{-1, 0, 1}));
  EXPECT_NEAR(origin_shape(Fitness::zscore, 3, f)[2], std::sqrt(1.5), 1e-5);
  EXPECT_EQ(origin_shape(Fitness::zscore, 1, f)[2], 1);  // clamped
  EXPECT_THROW(origin_shape(Fitness::raw, 3, f), Error);
}

TEST(OriginRates, FollowTheSchedules) {
  const OriginRecipe r;
  EXPECT_FLOAT_EQ(origin_rates(r, 0).lr, 0.8f);
  EXPECT_FLOAT_EQ(origin_rates(r, 0.5).lr, 0.425f);
  EXPECT_FLOAT_EQ(origin_rates(r, 1).lr, 0.05f);
  EXPECT_EQ(origin_rates(r, 0.1499).pairs, 512);
  EXPECT_EQ(origin_rates(r, 0.15).pairs, 768);
  EXPECT_EQ(origin_rates(r, 0.35).pairs, 1024);
  EXPECT_FLOAT_EQ(origin_rates(r, 1).threshold, 0.256f);
  EXPECT_EQ(origin_rates(r, 0.535).sigma_shift, 3);  // 3 (4/3)^u is 3.5 at u = 0.5358
  EXPECT_EQ(origin_rates(r, 0.537).sigma_shift, 4);
}

// A model of 256 biases over zero logits: the whole strategy without a GEMM.
struct BiasModel {
  std::vector<double> counts = std::vector<double>(256);
  double tokens = 0;
  explicit BiasModel(const OriginBatch& b) {
    for (uint8_t t : b.targets) ++counts[t], ++tokens;
  }
  double loss(const std::vector<float>& bias, double sigma, const std::vector<int>& e) const {
    double sum = 0, target = 0;
    for (size_t i = 0; i < 256; ++i) {
      const double logit = bias[i] + (sigma == 0 ? 0 : sigma * e[i]);
      sum += std::exp(logit), target += counts[i] * logit;
    }
    return std::log(sum) - target / tokens;
  }
};

struct Curve {
  double before = 0, after_first = 0, train = 0, val = 0;
  int moved = 0;  // biases that the first update moved
};

Curve train_biases(const OriginRecipe& r, const Bytes& text, int epochs, uint64_t fixed_batch,
                   const Machine& machine, Pool* pool) {
  constexpr uint64_t kSeed = 1, kHeadBias = 0x888888;
  std::vector<float> bias(256);
  float ema = 0;
  OriginUpdate update(r.clt_k, machine);
  const BiasModel val(origin_batch(text, 12345, r.batch, r.seq));
  Curve c;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    const OriginRates rates = origin_rates(r, epochs > 1 ? epoch / double(epochs - 1) : 1);
    const uint64_t batch_seed = fixed_batch ? fixed_batch : mix64(kSeed, uint64_t(epoch));
    const BiasModel model(origin_batch(text, batch_seed, r.batch, r.seq));
    if (epoch == 0) c.before = model.loss(bias, 0, {});
    std::vector<uint64_t> seeds;
    std::vector<double> fitness;
    const double sigma = std::ldexp(1.0, -rates.sigma_shift);
    for (int p = 0; p < rates.pairs; ++p) {
      seeds.push_back(origin_pair_seed(kSeed, uint64_t(epoch), uint64_t(p)));
      std::vector<int> e(256);
      for (size_t i = 0; i < 256; ++i)
        e[i] = ternary_noise(mix64(seeds.back(), kHeadBias), i, r.clt_k);
      fitness.push_back(model.loss(bias, -sigma, e) - model.loss(bias, sigma, e));
    }
    const auto weights = origin_shape(r.fitness, r.fitness_clip, fitness);
    update.apply({kHeadBias, 256, bias.data(), nullptr, &ema}, rates, seeds, weights, pool);
    c.train = model.loss(bias, 0, {}), c.val = val.loss(bias, 0, {});
    if (epoch > 0) continue;
    c.after_first = c.train;
    c.moved = int(std::count_if(bias.begin(), bias.end(), [](float b) { return b != 0; }));
  }
  return c;
}

OriginRecipe early_settings() {
  OriginRecipe r;
  r.seq = 64, r.adaptive_pop = false;
  r.lr = r.lr_end = 0.15f, r.thresh = r.thresh_end = 0.08f, r.sigma_shift_end = 3;
  return r;
}

TEST(OriginBiasModel, OneUpdateGivesThePublishedLoss) {
  const Bytes text = tinyshakespeare(NIBBLE_DATA);
  if (text.empty()) GTEST_SKIP() << "tinyshakespeare.txt is not in data/";
  ASSERT_EQ(text.size(), 1115394u);
  EXPECT_EQ(std::set<uint8_t>(text.begin(), text.end()).size(), 65u);
  const Curve c = train_biases(early_settings(), text, 1, 123, cpu::this_machine(), nullptr);
  EXPECT_NEAR(c.before, 5.5452, 5e-5);
  EXPECT_NEAR(c.after_first, 5.1531, 5e-5);
  EXPECT_EQ(c.moved, 7);
}

TEST(OriginBiasModel, FiftyUpdatesFollowTheCurve) {
  const Bytes text = tinyshakespeare(NIBBLE_DATA);
  if (text.empty()) GTEST_SKIP() << "tinyshakespeare.txt is not in data/";
  const Curve c = train_biases(early_settings(), text, 50, 0, cpu::this_machine(), nullptr);
  EXPECT_NEAR(c.train, 3.884, 5e-4);
  EXPECT_NEAR(c.val, 3.719, 5e-4);
}

// On random text, so that it always runs: the loss falls, and no bit depends on ISA or threads.
TEST(OriginBiasModel, IsTheSameOnEveryIsaAndThreadCount) {
  Bytes text(5000);
  for (size_t i = 0; i < text.size(); ++i) text[i] = uint8_t('a' + mix64(3, i) % 8);
  OriginRecipe r = early_settings();
  r.batch = 8, r.seq = 32, r.pop = 64;
  const Curve first = train_biases(r, text, 6, 0, cpu::this_machine(), nullptr);
  EXPECT_NEAR(first.before, std::log(256.0), 1e-9);
  EXPECT_LT(first.train, first.before - 0.1);
  for (IsaSet isas : {Isa::portable, Isa::avx2, Isa::any_cpu})
    for (int threads : {1, 2, 7}) {
      const auto pool = cpu::make_pool(threads);
      const Curve c = train_biases(r, text, 6, 0, cpu::this_machine().limited_to(isas), pool.get());
      EXPECT_EQ(c.train, first.train);
      EXPECT_EQ(c.val, first.val);
    }
}

}  // namespace
}  // namespace nibble::train
