#include "nibble/train/origin.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"
#include "nibble/numerics/ternary_hash.h"
#include "nibble/runtime/error.h"
#include "nibble/train/origin_es.h"
#include "nibble/train/tinyshakespeare.h"

namespace nibble::train {
namespace {

using efla_lm::OriginConfig;
using efla_lm::OriginModel;
using efla_lm::OriginTensor;

const OriginTensor& tensor(const std::vector<OriginTensor>& all, const std::string& name) {
  for (const OriginTensor& t : all)
    if (t.name == name) return t;
  throw Error("no tensor is called " + name);
}

TEST(OriginTensors, SeedsAreTheGoldenOnes) {
  const auto all = efla_lm::origin_tensors({});
  const uint64_t pair = origin_pair_seed(1, 0, 0);
  EXPECT_EQ(mix64(pair, tensor(all, "emb").salt), 0xe0b99a6c5be6f49du);
  EXPECT_EQ(mix64(pair, tensor(all, "layer0.wq").salt), 0xae4e5209116951ddu);
  EXPECT_EQ(mix64(pair, tensor(all, "layer1.wq").salt), 0x17b14f1689e72864u);
}

TEST(OriginTensors, InitIsTheGoldenOne) {
  const OriginConfig c;
  const auto all = efla_lm::origin_tensors(c);
  const auto p = efla_lm::origin_init(c);
  EXPECT_EQ(p.ternary.size() + p.real.size(), 7932164u);
  const int8_t* emb = p.ternary.data() + tensor(all, "emb").offset;
  const int8_t* win = p.ternary.data() + tensor(all, "win").offset;
  const int first[] = {1, -1, 0, 1, -1, 1, -1, 1, 1, 0, -1, 0, -1, 1, 1, 0};
  for (int i = 0; i < 16; ++i) EXPECT_EQ(emb[i], first[i]) << i;
  const int first_win[] = {-1, 1, 1, 1, -1, -1, 0, -1};
  for (int i = 0; i < 8; ++i) EXPECT_EQ(win[i], first_win[i]) << i;
  const auto counts = [](const int8_t* w, int n) {
    std::array<int, 3> count{};
    for (int i = 0; i < n; ++i) ++count[size_t(w[i] + 1)];
    return count;
  };
  EXPECT_EQ(counts(emb, 256 * 512), (std::array{43292, 43743, 44037}));
  EXPECT_EQ(counts(win, 512 * 512), (std::array{87435, 86549, 88160}));
  const float* pos = p.real.data() + tensor(all, "pos").offset;
  EXPECT_FLOAT_EQ(pos[0], 0.0180614945f);
  EXPECT_FLOAT_EQ(pos[1], 0.00837262627f);
  EXPECT_FLOAT_EQ(pos[2], -0.00714030629f);
  EXPECT_FLOAT_EQ(pos[3], 0.017494468f);
  EXPECT_EQ(p.real[size_t(tensor(all, "head_bias").offset)], 0);
  EXPECT_EQ(p.real[size_t(tensor(all, "beta_bias").offset)], -2);
}

TEST(OriginTensors, NoiseHasTheMomentsOfFourDraws) {
  const uint64_t pair = origin_pair_seed(1, 0, 0);
  double sum = 0, square = 0, n = 0;
  for (const OriginTensor& t : efla_lm::origin_tensors({.hidden = 128}))
    for (int64_t i = 0; i < t.size(); ++i) {
      const int e = ternary_noise(mix64(pair, t.salt), uint64_t(i), 4);
      sum += e, square += e * e, ++n;
    }
  EXPECT_NEAR(sum / n, 4.0 / 256, 0.005);  // three standard errors
  EXPECT_NEAR(square / n, 2.67, 0.01);
}

struct Golden {
  OriginConfig config;
  int batch;
  std::array<double, 3> loss;  // clean, plus, minus: seed 1, epoch 0, pair 0, shift 3
};

OriginConfig live(int hidden, int layers, int seq) {
  return {.hidden = hidden,
          .layers = layers,
          .seq = seq,
          .act_scale = 4,
          .mlp_act_scale = 4,
          .residual_scale = 32,
          .mlp_residual_scale = 8};
}

std::array<double, 3> losses(const Golden& g, const Bytes& text, const Machine& machine,
                             Pool* pool) {
  const auto p = efla_lm::origin_init(g.config);
  const OriginBatch b = origin_batch(text, mix64(1, 0), g.batch, g.config.seq);
  OriginModel model(g.config, machine);
  model.set_noise(origin_pair_seed(1, 0, 0), pool);
  std::array<double, 3> all;
  for (int i = 0; i < 3; ++i)
    all[size_t(i)] = model.loss(p, {i == 2 ? -1 : i, 3}, b.tokens, b.targets, g.config.seq, pool);
  return all;
}

TEST(OriginModel, LossesOnTinyShakespeareAreTheGoldenOnes) {
  const Bytes text = tinyshakespeare(NIBBLE_DATA);
  if (text.empty()) GTEST_SKIP() << "tinyshakespeare.txt is not in data/";
  const Golden goldens[] = {
      {{.hidden = 64, .layers = 2, .seq = 16}, 2, {5.607037, 5.637992, 5.619860}},
      {{.hidden = 128, .layers = 4, .mlp_mult = 4, .seq = 64, .act_scale = 1},
       4,
       {5.678982, 5.724792, 5.750627}},
      {live(64, 2, 16), 2, {6.069532, 6.435118, 6.133392}},
      {live(128, 2, 32), 4, {6.348041, 6.237942, 6.383508}},
  };
  for (const Golden& g : goldens) {
    const auto got = losses(g, text, cpu::this_machine(), nullptr);
    for (size_t i = 0; i < 3; ++i)
      EXPECT_NEAR(got[i], g.loss[i], 1e-5) << "H" << g.config.hidden << " sign " << i;
  }
}

// Values of a scalar program that shares no code with this one: noise in a GEMM of its own, libm.
// Small shapes: in live models of several thousand tokens one value in a rounding tie, which
// another order of additions may move, changes the loss by up to 1e-2.
TEST(OriginModel, LossesOnHashedTextAreThoseOfAnotherProgram) {
  Bytes text(4000);
  for (size_t i = 0; i < text.size(); ++i) text[i] = uint8_t(32 + mix64(11, i) % 64);
  const Golden goldens[] = {
      {{.hidden = 48, .layers = 2, .mlp_mult = 3, .seq = 20}, 3, {5.582297, 5.576022, 5.598708}},
      {live(48, 2, 16), 4, {6.185525, 6.359256, 6.343155}},
  };
  for (const Golden& g : goldens) {
    const auto first = losses(g, text, cpu::this_machine(), nullptr);
    for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(first[i], g.loss[i], 1e-5) << i;
    for (IsaSet isas : {Isa::portable, Isa::avx2, Isa::any_cpu})
      for (int threads : {1, 2, 7}) {
        const auto pool = cpu::make_pool(threads);
        EXPECT_EQ(losses(g, text, cpu::this_machine().limited_to(isas), pool.get()), first)
            << to_string(isas) << ", " << threads << " threads";
      }
  }
}

TEST(OriginModel, HealthShowsTheDeadBranchesOfTheDefaultScales) {
  const Bytes text(256, 'e');
  const OriginConfig dead{.hidden = 64, .layers = 2, .seq = 32};
  const auto health_of = [&](const OriginConfig& c) {
    return OriginModel(c, cpu::this_machine()).health(efla_lm::origin_init(c), text, 32);
  };
  const auto h = health_of(dead);
  ASSERT_EQ(h.size(), 4u);
  EXPECT_EQ(h[0].layer, "layer0.mixer");
  EXPECT_EQ(h[0].zero_increments, 1);
  EXPECT_GT(h[0].mean_beta, 0);
  EXPECT_EQ(h[1].mean_beta, -1);
  EXPECT_LT(health_of(live(64, 2, 32))[0].zero_increments, 0.9);
}

TEST(OriginModel, RefusesWhatItCannotCompute) {
  const auto refused = [](OriginConfig c) { EXPECT_THROW(efla_lm::check(c), Error); };
  refused({.layers = 1});
  refused({.hidden = 0});
  refused({.hidden = 2048});
  refused({.noise_terms = 64});
  const OriginConfig c{.hidden = 16, .layers = 2, .seq = 8};
  const auto p = efla_lm::origin_init(c);
  OriginModel m(c, cpu::this_machine());
  const Bytes text(16);
  EXPECT_THROW(m.loss(p, {}, text, text, 9), Error);      // no positions for 9
  EXPECT_THROW(m.loss(p, {}, text, text, 7), Error);      // 16 is not a multiple of 7
  EXPECT_THROW(m.loss(p, {1, 3}, text, text, 8), Error);  // no noise yet
  EXPECT_THROW(m.loss(p, {}, text, Bytes(8), 8), Error);  // too few targets
}

Recipe small() {
  Recipe r;
  r.name = "origin_small", r.arithmetic = Arithmetic::origin;
  r.origin = {.hidden = 16,
              .layers = 2,
              .batch = 4,
              .seq = 16,
              .pop = 16,
              .act_scale = 4,
              .mlp_act_scale = 4,
              .residual_scale = 32,
              .mlp_residual_scale = 8};
  return r;
}

Bytes patterned(size_t n) {
  Bytes text(n);
  for (size_t i = 0; i < n; ++i) text[i] = uint8_t("abcabdab"[mix64(5, i / 3) % 8]);
  return text;
}

// All of the state as bytes.
std::vector<char> bytes_of(Learner& learner) {
  std::vector<char> all;
  for (const StateTensor& t : learner.state()) {
    const char* data = static_cast<const char*>(t.data);
    all.insert(all.end(), data, data + t.bytes());
  }
  return all;
}

TEST(OriginLearner, StepsAreTheSameOnEveryIsaAndThreadCount) {
  const Bytes text = patterned(2000);
  std::vector<char> first;
  for (IsaSet isas : {Isa::any_cpu, Isa::avx2, Isa::portable})
    for (int threads : {1, 2, 7}) {
      const auto pool = cpu::make_pool(threads);
      const auto learner =
          make_origin_learner(small(), 256, 1, cpu::this_machine().limited_to(isas), pool.get());
      for (int step = 0; step < 3; ++step) learner->step(text, step, step / 2.0);
      const auto now = bytes_of(*learner);
      if (first.empty()) first = now;
      EXPECT_EQ(now, first) << to_string(isas) << ", " << threads << " threads";
    }
}

TEST(OriginLearner, ResumesToTheSameBits) {
  const Bytes text = patterned(2000);
  const auto make = [] {
    return make_origin_learner(small(), 256, 1, cpu::this_machine(), nullptr);
  };
  const auto straight = make(), before = make(), after = make();
  const auto a = straight->step(text, 0, 0), b = straight->step(text, 1, 0.5);
  before->step(text, 0, 0);
  const auto from = before->state(), to = after->state();
  ASSERT_EQ(from.size(), to.size());
  for (size_t i = 0; i < from.size(); ++i) {
    EXPECT_EQ(from[i].name, to[i].name);
    std::memcpy(to[i].data, from[i].data, size_t(from[i].bytes()));
  }
  after->restored();
  EXPECT_EQ(after->step(text, 1, 0.5).train_nats, b.train_nats);
  EXPECT_EQ(bytes_of(*after), bytes_of(*straight));
  EXPECT_EQ(a.data_tokens, 64);
  EXPECT_EQ(a.lane_tokens, 64 * (1 + 8));  // adaptive: half of 16 in the beginning
  EXPECT_EQ(b.lane_tokens, 64 * (1 + 16));
}

TEST(OriginLearner, LearnsWhichBytesOccur) {
  Recipe r = small();
  r.origin.pop = 64, r.origin.lr = 0.3f;
  const Bytes text = patterned(3000);
  const auto learner = make_origin_learner(r, 256, 1, cpu::this_machine(), nullptr);
  const double before = learner->loss(text);
  for (int step = 0; step < 10; ++step) learner->step(text, step, step / 9.0);
  EXPECT_LT(learner->loss(text), before - 0.5);
}

TEST(OriginLearner, LossIsTheMeanOverWindows) {
  const auto learner = make_origin_learner(small(), 256, 1, cpu::this_machine(), nullptr);
  const Bytes text = patterned(16 * 40 + 6);  // 645 predictions: 40 windows of 16 and one of 5
  const std::span<const uint8_t> all(text);
  double sum = 0;
  for (size_t at = 0; at + 1 < text.size(); at += 16) {
    const size_t count = std::min<size_t>(16, text.size() - 1 - at);
    sum += double(count) * learner->loss(all.subspan(at, count + 1), 16);
  }
  EXPECT_NEAR(learner->loss(text, 16), sum / double(text.size() - 1), 1e-12);
  EXPECT_EQ(learner->loss(text, 128), learner->loss(text, 16));  // no positions beyond 16
}

TEST(OriginLearner, RefusesRecipesThatCannotBeBuilt) {
  const auto refused = [](const Recipe& r, int symbols) {
    EXPECT_THROW(make_origin_learner(r, symbols, 1, cpu::this_machine(), nullptr), Error);
  };
  refused(small(), 65);
  Recipe odd = small(), raw = small();
  odd.origin.pop = 17, raw.origin.fitness = Fitness::raw;
  refused(odd, 256);
  refused(raw, 256);
}

}  // namespace
}  // namespace nibble::train
