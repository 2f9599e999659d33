#include "nibble/train/product_learner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "nibble/base/random.h"
#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"

namespace nibble::train {
namespace {

// Text of a second-order Markov source over `symbols` symbols: each pair has two successors.
std::vector<uint8_t> markov_text(int size, int symbols) {
  Random rng(7);
  std::vector<uint8_t> text = {0, 1};
  while (int(text.size()) < size) {
    const int a = text[text.size() - 2], b = text.back();
    Random pair(11, uint64_t(a * symbols + b));
    const auto first = uint8_t(pair.below(symbols)), second = uint8_t(pair.below(symbols));
    text.push_back(rng.below(4) == 0 ? second : first);
  }
  return text;
}

double order0_entropy(const std::vector<uint8_t>& text) {
  double count[256] = {}, h = 0;
  for (uint8_t s : text) ++count[s];
  for (double c : count)
    if (c > 0) h -= c / double(text.size()) * std::log(c / double(text.size()));
  return h;
}

Recipe small() {
  Recipe r;
  r.model.hidden = 64, r.model.ffn = 64, r.model.heads = 2, r.model.key_dim = 32;
  r.train.batch = 12, r.train.seq = 16;  // 4 sequences a chunk
  return r;
}

Recipe two_blocks() {
  Recipe r = small();
  r.model.blocks = 2, r.model.ffn_shift = 2;
  r.train.lanes_mixer = 1, r.train.lanes_ffn1 = r.train.lanes_ffn2 = 2, r.train.lanes_head = 3;
  r.train.batch = 10;  // the last chunk is not full
  return r;
}

using Bytes = std::vector<std::vector<uint8_t>>;
Bytes bytes_of(Learner& l) {
  Bytes all;
  for (const StateTensor& t : l.state()) {
    const auto* p = static_cast<const uint8_t*>(t.data);
    all.emplace_back(p, p + t.bytes());
  }
  return all;
}
// Index of the first tensor that differs, -1 if none.
int difference(const Bytes& a, const Bytes& b) {
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i]) return int(i);
  return -1;
}

Bytes after_updates(const Recipe& r, int threads, const Machine& machine, int updates) {
  const auto text = markov_text(2000, 20);
  const auto pool = cpu::make_pool(threads);
  const auto learner = make_learner(r, 20, 5, machine, pool.get());
  for (int i = 0; i < updates; ++i) learner->step(text, i, i / 10.0);
  return bytes_of(*learner);
}

class Determinism : public testing::TestWithParam<int> {
 protected:
  static Recipe recipe() {
    Recipe r = GetParam() == 1 ? two_blocks() : small();
    if (GetParam() == 2) r.train.head_rule = HeadRule::delta, r.model.weights = WeightFormat::int8;
    if (GetParam() == 3) r.model.mixer = false, r.train.fitness = Fitness::clipped;
    if (GetParam() == 4) r.train.estimator = Estimator::weight;
    return r;
  }
};

TEST_P(Determinism, SameBitsForAnyNumberOfThreads) {
  const Machine& machine = cpu::this_machine();
  const Bytes one = after_updates(recipe(), 1, machine, 5);
  EXPECT_EQ(difference(one, after_updates(recipe(), 2, machine, 5)), -1);
  EXPECT_EQ(difference(one, after_updates(recipe(), 7, machine, 5)), -1);
}

TEST_P(Determinism, SameBitsOnEveryIsa) {
  const Machine& machine = cpu::this_machine();
  const Bytes portable = after_updates(recipe(), 1, machine.limited_to(Isa::portable), 5);
  for (const char* name : {"avx2", "avx512"}) {
    IsaSet allowed;
    ASSERT_TRUE(parse_isa_limit(name, allowed));
    if (!machine.has(std::string(name) == "avx2" ? Isa::avx2 : Isa::avx512)) continue;
    EXPECT_EQ(difference(portable, after_updates(recipe(), 2, machine.limited_to(allowed), 5)), -1)
        << name;
  }
}

TEST_P(Determinism, ResumesBitForBit) {
  const auto text = markov_text(2000, 20);
  const Machine& machine = cpu::this_machine();
  const auto whole = make_learner(recipe(), 20, 5, machine, nullptr);
  for (int i = 0; i < 3; ++i) whole->step(text, i, 0.1);
  const Bytes saved = bytes_of(*whole);
  const auto other = make_learner(recipe(), 20, 5, machine, nullptr);
  other->step(text, 77, 0.5);
  const auto tensors = other->state();
  for (size_t i = 0; i < tensors.size(); ++i)
    std::memcpy(tensors[i].data, saved[i].data(), saved[i].size());
  other->restored();
  EXPECT_EQ(whole->loss(text, 64), other->loss(text, 64));
  for (int i = 3; i < 6; ++i) whole->step(text, i, 0.2), other->step(text, i, 0.2);
  EXPECT_EQ(difference(bytes_of(*whole), bytes_of(*other)), -1);
}

INSTANTIATE_TEST_SUITE_P(Recipes, Determinism, testing::Range(0, 5));

TEST(ProductLearner, LossDoesNotDependOnThreads) {
  const auto text = markov_text(3000, 20);
  const auto pool = cpu::make_pool(3);
  const auto one = make_learner(small(), 20, 5, cpu::this_machine(), nullptr);
  const auto three = make_learner(small(), 20, 5, cpu::this_machine(), pool.get());
  for (int window : {1, 7, 128, 5000})
    EXPECT_EQ(one->loss(text, window), three->loss(text, window));
}

TEST(ProductLearner, GeneratorGivesTheLogitsOfTheParallelPass) {
  for (Recipe r : {small(), two_blocks()}) {
    const auto text = markov_text(500, 20);
    ProductLearner learner(r, 20, 5, cpu::this_machine(), nullptr);
    for (int i = 0; i < 4; ++i) learner.step(text, i, 0);
    const auto weights = learner.state();
    const auto generator = make_generator(r, 20, weights, cpu::this_machine());
    Forward forward(learner.model(), cpu::this_machine(), {1, 40});
    Activations all(learner.model(), {1, 40}, false);
    forward.all(text.data(), all);
    generator->feed(3);
    generator->reset();
    const int n = learner.model().padded_symbols;
    for (int t = 0; t < 40; ++t) {
      const auto logits = generator->feed(text[t]);
      ASSERT_EQ(logits.size(), 20u);
      for (int j = 0; j < 20; ++j)
        ASSERT_EQ(logits[j],
                  std::fma(float(all.head_sums[t * n + j]), learner.model().matrices.back().scale,
                           learner.model().bias[j]))
            << "token " << t << " symbol " << j;
    }
  }
}

TEST(ProductLearner, PredictionsDoNotDependOnLaterSymbols) {
  const ProductLearner learner(two_blocks(), 20, 5, cpu::this_machine(), nullptr);
  const Model& m = learner.model();
  Forward forward(m, cpu::this_machine(), {2, 16});
  auto text = markov_text(32, 20);
  Activations before(m, {2, 16}, false), after(m, {2, 16}, false);
  forward.all(text.data(), before);
  for (int t = 9; t < 16; ++t) text[t] = uint8_t(19 - text[t]);  // the first sequence's tail
  forward.all(text.data(), after);
  const auto same = [&](int row) {
    return std::memcmp(&before.head_sums[row * m.padded_symbols],
                       &after.head_sums[row * m.padded_symbols], 4 * size_t(m.symbols)) == 0;
  };
  for (int t = 0; t < 9; ++t) EXPECT_TRUE(same(t)) << t;
  EXPECT_FALSE(same(9));
  for (int t = 16; t < 32; ++t) EXPECT_TRUE(same(t)) << "the other sequence, row " << t;
}

TEST(ProductLearner, StartsAliveAndNearTheUniformLoss) {
  const auto text = markov_text(4000, 65);
  for (uint64_t seed : {1, 2, 3}) {
    const auto learner = make_learner(Recipe{}, 65, seed, cpu::this_machine(), nullptr);
    EXPECT_NEAR(learner->loss(text), std::log(65), 0.3);
    for (const LayerHealth& h : learner->health(text)) {
      EXPECT_LE(h.zero_increments, 0.05) << h.layer;
      EXPECT_LE(h.saturated, 0.01) << h.layer;
      if (h.layer == "block0.mixer") {
        EXPECT_GE(h.mean_beta, 0.2);
        EXPECT_LE(h.mean_beta, 0.8);
      }
    }
  }
}

TEST(ProductLearner, LearnsWhatAPairOfSymbolsSays) {
  const auto text = markov_text(20000, 12);
  for (Recipe r : {small(), two_blocks()}) {
    r.train.batch = 32;
    const auto learner = make_learner(r, 12, 1, cpu::this_machine(), nullptr);
    const int steps = 300;
    for (int i = 0; i < steps; ++i) learner->step(text, i, double(i) / steps);
    const auto held_out = std::span<const uint8_t>(text).last(4000);
    EXPECT_LT(learner->loss(held_out), 0.6 * order0_entropy(text));
  }
}

// Per-token noise estimates the derivative of the loss by the pre-activations, smoothed over that
// noise. Of the head it is known: x^T (p - onehot), changed by noise of size s by a share of about
// s^2. The error of the estimate is that of its sample.
TEST(ProductLearner, HeadEstimateIsTheDerivative) {
  Recipe r = small();
  r.train.lanes_head = 48, r.train.lanes_mixer = r.train.lanes_ffn1 = r.train.lanes_ffn2 = 0;
  r.train.sigma = 0.05f, r.train.lr = 0;
  const auto text = markov_text(5000, 20);
  ProductLearner noise(r, 20, 5, cpu::this_machine(), nullptr);
  r.train.head_rule = HeadRule::delta;
  ProductLearner exact(r, 20, 5, cpu::this_machine(), nullptr);
  const int batches = 60;
  const size_t head = noise.model().matrices.size() - 1;
  std::vector<double> a, b;
  noise.step(text, 0, 0);  // at a rate of 0: settles the unit of the credits, no more
  for (int i = 0; i < batches; ++i) {
    noise.accumulate(text, i), exact.accumulate(text, i);
  }
  const auto ga = noise.gradient(head), gb = exact.gradient(head);
  double dot = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < ga.size(); ++i)
    dot += double(ga[i]) * gb[i], aa += double(ga[i]) * ga[i], bb += double(gb[i]) * gb[i];
  // dot / bb estimates 1. A lane's noise of the other ~20 symbols is as large as its signal, so
  // |a - b|^2 / |b|^2 is that share of the spread of one token; both are bounded by the sample.
  EXPECT_NEAR(dot / bb, 1, 0.03);
  EXPECT_GT(dot / std::sqrt(aa * bb), 0.97);
}

// Of the FFN the derivative is measured along one output at a time: its sums are moved by what a
// small change of all its weights would move them by, up and down. Estimators follow the loss as
// smoothed by their noise, which is what makes a function of rounded numbers differentiable, so the
// measurement is a mean over noise of the same size too. The text is one sequence: estimate and
// measurement are of the same tokens.
void expect_directional_derivatives(Estimator estimator) {
  Recipe r = small();
  r.model.mixer = false;
  r.model.residual_unit = 80, r.model.ffn_scale = 0.3f;  // steps of the residual far below sigma
  r.train.estimator = estimator;
  r.train.lanes_ffn1 = r.train.lanes_head = 0, r.train.lanes_ffn2 = 48;
  r.train.seq = 64, r.train.batch = 16, r.train.lr = 0;
  const auto text = markov_text(65, 20);
  const auto pool = cpu::make_pool(2);
  ProductLearner learner(r, 20, 5, cpu::this_machine(), pool.get());
  const Model& m = learner.model();
  learner.step(text, 0, 0);  // at a rate of 0: settles the unit of the credits, no more
  for (int i = 0; i < 100; ++i) learner.accumulate(text, i);
  const size_t ffn2 = size_t(&m.at(Stage::ffn2, 0) - m.matrices.data());
  const std::vector<float> g = learner.gradient(ffn2);

  const Chunk chunk{1, 64};
  const Forward forward(m, cpu::this_machine(), chunk);
  Activations a(m, chunk, false), other(m, chunk, false);
  forward.all(text.data(), a);
  const Activations::Block& b = a.blocks[0];
  const int hidden = r.model.hidden, ffn = r.model.ffn, draws = 48;
  Buffer<uint16_t> bits(chunk.rows() * hidden / 16);
  const Noise noise{.bits = bits.data(),
                    .step = int32_t(std::lrint(r.train.sigma / m.matrices[ffn2].scale))};
  const auto moved = [&](int unit, float by) {
    Buffer<int32_t> sums(chunk.rows() * hidden);
    std::copy(b.ffn2_sums.begin(), b.ffn2_sums.end(), sums.begin());
    for (int t = 0; t < chunk.rows(); ++t) {
      int32_t inputs = 0;
      for (int k = 0; k < ffn; ++k) inputs += b.hidden[t * ffn + k];
      sums[t * hidden + unit] += int32_t(std::lrintf(by * float(inputs)));
    }
    Random rng(3);  // the same noise for up and down
    double loss = 0;
    for (int d = 0; d < draws; ++d) {
      for (uint16_t& word : bits) word = uint16_t(rng.next32());
      forward.add(0, b.x_in.data(), sums.data(), noise, other);
      forward.after(0, other);
      forward.losses(other.head_sums.data(), text.data() + 1, false, other);
      for (float l : other.loss) loss += l;
    }
    return loss / chunk.rows() / draws;
  };
  double dot = 0, aa = 0, bb = 0;
  for (int unit = 0; unit < hidden; ++unit) {
    const float by = 0.06f;
    const double measured = (moved(unit, by) - moved(unit, -by)) / (2 * by);
    double estimated = 0;
    for (int k = 0; k < ffn; ++k) estimated += g[size_t(k * hidden + unit)];
    dot += estimated * measured, aa += estimated * estimated, bb += measured * measured;
  }
  const double correlation = dot / std::sqrt(aa * bb);
  EXPECT_GT(correlation, 0.97);
  // The sample's error is as large along the truth as along each of the other 63 directions.
  const double orthogonal = std::sqrt(aa / bb * (1 - correlation * correlation));
  EXPECT_NEAR(dot / bb, 1, 0.05 + 4 * orthogonal / std::sqrt(63));
}
TEST(ProductLearner, ActivityEstimatesTheDirectionalDerivative) {
  expect_directional_derivatives(Estimator::activity);
}
TEST(ProductLearner, WeightNoiseEstimatesTheDirectionalDerivative) {
  expect_directional_derivatives(Estimator::weight);
}

}  // namespace
}  // namespace nibble::train
