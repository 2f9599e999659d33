// What the product learner is for: it starts alive, follows the gradient, and learns.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"
#include "nibble/train/product_learner.h"
#include "nibble/train/small_recipes.h"
#include "nibble/train/tinyshakespeare.h"

namespace nibble::train {
namespace {

using small::markov_text, small::one_block, small::two_blocks;

double order0_entropy(const std::vector<uint8_t>& text) {
  double count[256] = {}, h = 0;
  for (uint8_t s : text) ++count[s];
  for (double c : count)
    if (c > 0) h -= c / double(text.size()) * std::log(c / double(text.size()));
  return h;
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
  for (Recipe r : {one_block(), two_blocks()}) {
    r.train.batch = 32;
    const auto learner = make_learner(r, 12, 1, cpu::this_machine(), nullptr);
    const int steps = 300;
    for (int i = 0; i < steps; ++i) learner->step(text, i, double(i) / steps);
    const auto held_out = std::span<const uint8_t>(text).last(4000);
    EXPECT_LT(learner->loss(held_out), 0.6 * order0_entropy(text));
  }
}

// Whatever becomes of the differences, both estimators learn from them.
TEST(ProductLearner, LearnsByEveryFitness) {
  const auto text = markov_text(20000, 12);
  for (const Estimator estimator : {Estimator::activity, Estimator::weight})
    for (const Fitness fitness :
         {Fitness::clipped, Fitness::sign, Fitness::zscore, Fitness::rank}) {
      Recipe r = one_block();
      r.train.batch = 32, r.train.estimator = estimator, r.train.fitness = fitness;
      const auto learner = make_learner(r, 12, 1, cpu::this_machine(), nullptr);
      const int steps = 150;
      for (int i = 0; i < steps; ++i) learner->step(text, i, double(i) / steps);
      const auto held_out = std::span<const uint8_t>(text).last(4000);
      EXPECT_LT(learner->loss(held_out), 0.85 * order0_entropy(text))
          << label(r) << ", fitness " << int(fitness);
    }
}

TEST(ProductLearner, LearnsWithEveryWeightAndActivation) {
  const auto text = markov_text(20000, 12);
  for (const WeightFormat weights :
       {WeightFormat::ternary, WeightFormat::int8, WeightFormat::nvfp4, WeightFormat::bf16})
    for (const auto activation : {efla_lm::Activation::relu2, efla_lm::Activation::gelu}) {
      Recipe r = one_block();
      r.train.batch = 32, r.model.weights = weights, r.model.activation = activation;
      const auto learner = make_learner(r, 12, 1, cpu::this_machine(), nullptr);
      const int steps = 150;
      for (int i = 0; i < steps; ++i) learner->step(text, i, double(i) / steps);
      const auto held_out = std::span<const uint8_t>(text).last(4000);
      EXPECT_LT(learner->loss(held_out), 0.85 * order0_entropy(text)) << to_json(r);
    }
}

// All else stays as it began: what is learnt is in the embedding.
TEST(ProductLearner, LearnsByItsEmbeddingAlone) {
  const auto text = markov_text(20000, 12);
  for (const Estimator estimator : {Estimator::activity, Estimator::weight}) {
    Recipe r = one_block();
    r.train.batch = 32, r.train.estimator = estimator;
    r.model.embedding = efla_lm::Embedding::trained, r.train.lanes_embedding = 8;
    r.train.lanes_mixer = r.train.lanes_ffn1 = r.train.lanes_ffn2 = r.train.lanes_head = 0;
    const auto learner = make_learner(r, 12, 1, cpu::this_machine(), nullptr);
    const auto held_out = std::span<const uint8_t>(text).last(4000);
    const double before = learner->loss(held_out);
    const int steps = 150;
    for (int i = 0; i < steps; ++i) learner->step(text, i, double(i) / steps);
    EXPECT_LT(learner->loss(held_out), before - 0.2) << label(r);
  }
}

TEST(ProductLearner, LearnsByEveryUpdateRule) {
  const auto text = markov_text(20000, 12);
  for (const UpdateRule rule : {UpdateRule::momentum, UpdateRule::shadow})
    for (const WeightFormat weights : {WeightFormat::ternary, WeightFormat::int8}) {
      Recipe r = one_block();
      r.train.batch = 32, r.train.update = rule, r.model.weights = weights;
      const auto learner = make_learner(r, 12, 1, cpu::this_machine(), nullptr);
      const int steps = 150;
      for (int i = 0; i < steps; ++i) learner->step(text, i, double(i) / steps);
      const auto held_out = std::span<const uint8_t>(text).last(4000);
      EXPECT_LT(learner->loss(held_out), 0.85 * order0_entropy(text))
          << label(r) << ", rule " << int(rule);
    }
}

// Per-token noise estimates the derivative of the loss by the pre-activations, smoothed over that
// noise. Of the head it is known: x^T (p - onehot), changed by noise of size s by a share of about
// s^2. The error of the estimate is that of its sample.
TEST(ProductLearner, HeadEstimateIsTheDerivative) {
  Recipe r = one_block();
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

// Of a matrix the derivative is measured along one output at a time: its sums are moved by what a
// small change of all its weights would move them by, up and down. Estimators follow the loss as
// smoothed by their noise, which is what makes a function of rounded numbers differentiable, so the
// measurement is a mean over noise of the same size too. The text is one sequence: estimate and
// measurement are of the same tokens.
void expect_directional_derivatives(Estimator estimator, int rank = 1, Stage stage = Stage::ffn2) {
  Recipe r = one_block();
  r.model.mixer = false;
  r.model.residual_unit = 80, r.model.ffn_scale = 0.3f;  // steps of the residual far below sigma
  r.train.estimator = estimator, r.train.rank = rank;
  r.train.lanes_ffn1 = r.train.lanes_ffn2 = r.train.lanes_head = 0;
  const bool embeds = stage == Stage::embedding;
  (embeds ? r.train.lanes_embedding : r.train.lanes_ffn2) = 48;
  if (embeds) r.model.embedding = efla_lm::Embedding::trained;
  r.train.credit_decay = 1;
  r.train.seq = 64, r.train.batch = 16, r.train.lr = 0;
  const auto text = markov_text(65, 20);
  const auto pool = cpu::make_pool(2);
  ProductLearner learner(r, 20, 5, cpu::this_machine(), pool.get());
  const Model& m = learner.model();
  learner.step(text, 0, 0);  // at a rate of 0: settles the unit of the credits, no more
  for (int i = 0; i < 100; ++i) learner.accumulate(text, i);
  const Matrix& of = m.at(stage, 0);
  const std::vector<float> g = learner.gradient(size_t(&of - m.matrices.data()));

  const Chunk chunk{1, 64};
  const Forward forward(m, cpu::this_machine(), chunk);
  Activations a(m, chunk, false), other(m, chunk, false);
  forward.all(text.data(), a);
  const Activations::Block& b = a.blocks[0];
  const int hidden = r.model.hidden, inputs = of.k, draws = 48;
  const int8_t* x = embeds ? a.embedding_in.data.data() : b.hidden.data();
  Buffer<uint16_t> bits(chunk.rows() * hidden / 16);
  const Noise noise{.bits = bits.data(), .step = int32_t(std::lrint(r.train.sigma / of.scale))};
  const auto moved = [&](int unit, float by) {
    Buffer<int32_t> sums(chunk.rows() * hidden);
    const auto& clean = embeds ? a.embedding_sums : b.ffn2_sums;
    std::copy(clean.begin(), clean.end(), sums.begin());
    for (int t = 0; t < chunk.rows(); ++t) {
      int32_t sum = 0;
      for (int k = 0; k < inputs; ++k) sum += x[t * inputs + k];
      sums[t * hidden + unit] += int32_t(std::lrintf(by * float(sum)));
    }
    Random rng(3);  // the same noise for up and down
    double loss = 0;
    for (int d = 0; d < draws; ++d) {
      for (uint16_t& word : bits) word = uint16_t(rng.next32());
      if (embeds)
        forward.enter(sums.data(), noise, other);
      else
        forward.add(0, b.x_in.data(), sums.data(), noise, other);
      forward.after(embeds ? -1 : 0, other);
      forward.head_losses(text.data() + 1, other);
      for (float l : other.loss) loss += l;
    }
    return loss / chunk.rows() / draws;
  };
  double dot = 0, aa = 0, bb = 0;
  for (int unit = 0; unit < hidden; ++unit) {
    const float by = 0.06f;
    const double measured = (moved(unit, by) - moved(unit, -by)) / (2 * by);
    double estimated = 0;
    for (int k = 0; k < inputs; ++k) estimated += g[size_t(k * hidden + unit)];
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
TEST(ProductLearner, WeightNoiseOfRank3EstimatesTheDirectionalDerivative) {
  expect_directional_derivatives(Estimator::weight, 3);
}
TEST(ProductLearner, WeightNoiseOfFullRankEstimatesTheDirectionalDerivative) {
  expect_directional_derivatives(Estimator::weight, kFullRank);
}

TEST(ProductLearner, ActivityEstimatesTheDerivativeOfTheEmbedding) {
  expect_directional_derivatives(Estimator::activity, 1, Stage::embedding);
}
TEST(ProductLearner, WeightNoiseEstimatesTheDerivativeOfTheEmbedding) {
  expect_directional_derivatives(Estimator::weight, 1, Stage::embedding);
}
TEST(ProductLearner, WeightNoiseOfFullRankEstimatesTheDerivativeOfTheEmbedding) {
  expect_directional_derivatives(Estimator::weight, kFullRank, Stage::embedding);
}

double dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += double(a[i]) * b[i];
  return sum;
}

// Of one text, two estimates of the gradient with noise of their own, of each matrix.
using Estimates = std::vector<std::vector<float>>;
std::array<Estimates, 2> two_estimates(Recipe r, int batches) {
  r.train.seq = 64, r.train.batch = 16, r.train.lr = 0;
  r.model.residual_unit = 80, r.model.ffn_scale = 0.3f;  // steps of the residual far below sigma
  const auto text = markov_text(65, 20);
  const auto pool = cpu::make_pool(2);
  ProductLearner learner(r, 20, 5, cpu::this_machine(), pool.get());
  learner.step(text, 0, 0);  // at a rate of 0: settles the unit of the credits, no more
  std::array<Estimates, 2> halves;
  int step = 1;
  for (Estimates& e : halves) {
    for (int i = 0; i < batches; ++i) learner.accumulate(text, step++);
    for (size_t m = 0; m < learner.model().matrices.size(); ++m) e.push_back(learner.gradient(m));
    learner.apply(0);
  }
  return halves;
}

// Joint lanes estimate what staged ones do. The product of two estimates with noise of their own
// has the mean of the product of what they estimate: nothing of the noise is left in it.
void expect_joint_estimate(Estimator estimator) {
  Recipe r = one_block();
  r.train.estimator = estimator;
  r.train.lanes_mixer = r.train.lanes_ffn1 = r.train.lanes_ffn2 = r.train.lanes_head = 12;
  const int batches = 40;
  const auto staged = two_estimates(r, batches);
  r.train.lanes_joint = 32;
  const auto joint = two_estimates(r, batches);
  for (size_t m = 0; m < staged[0].size(); ++m) {
    const double ss = dot(staged[0][m], staged[1][m]), jj = dot(joint[0][m], joint[1][m]);
    // The halves of one number share noise.
    const double js = (dot(joint[0][m], staged[1][m]) + dot(joint[1][m], staged[0][m])) / 2;
    // Of a product of two noises of no common direction.
    const auto spread = [&](const std::vector<float>& a, const std::vector<float>& b) {
      return std::sqrt(dot(a, a) * dot(b, b) / double(a.size()));
    };
    const double js_spread = spread(joint[0][m], staged[1][m]);
    EXPECT_GT(js, 8 * js_spread) << m;
    // More noise is in the network, which smooths the loss a little more.
    EXPECT_NEAR(js, ss, 0.04 * ss + 4 * js_spread) << m;
    EXPECT_NEAR(jj, ss, 0.08 * ss + 4 * spread(joint[0][m], joint[1][m])) << m;
  }
}
TEST(ProductLearner, JointLanesEstimateWhatStagedOnesDo) {
  expect_joint_estimate(Estimator::activity);
}
TEST(ProductLearner, JointLanesOfWeightNoiseEstimateWhatStagedOnesDo) {
  expect_joint_estimate(Estimator::weight);
}

TEST(ProductLearner, LearnsByJointLanes) {
  const auto text = markov_text(20000, 12);
  for (const Estimator estimator : {Estimator::activity, Estimator::weight})
    for (const HeadRule rule : {HeadRule::noise, HeadRule::delta}) {
      Recipe r = one_block();
      r.train.batch = 32, r.train.estimator = estimator, r.train.head_rule = rule;
      r.train.lanes_joint = 8;
      const auto learner = make_learner(r, 12, 1, cpu::this_machine(), nullptr);
      const int steps = 300;
      for (int i = 0; i < steps; ++i) learner->step(text, i, double(i) / steps);
      const auto held_out = std::span<const uint8_t>(text).last(4000);
      EXPECT_LT(learner->loss(held_out), 0.85 * order0_entropy(text)) << label(r);
    }
}

// Lanes begin where the clean pass did: a window that goes on from another has the gradient that it
// has within the whole, where no noise is before it. Were they to begin anew, differences would be
// those of the contexts, many times what small noise makes.
TEST(ProductLearner, LanesBeginInTheCarriedContext) {
  Recipe r = one_block();
  r.train.lanes_mixer = r.train.lanes_ffn1 = r.train.lanes_ffn2 = r.train.lanes_head = 8;
  r.train.sigma = 0.05f, r.train.lr = 0, r.train.batch = 1;
  r.train.credit_decay = 0;  // losses of later windows count for none
  r.model.residual_unit = 80, r.model.ffn_scale = 0.3f;
  const int windows = 4, batches = 200;
  const auto text = markov_text(windows * 32 + 1, 20);
  const auto energy_of = [&](int seq, int carry) {
    r.train.seq = seq, r.train.carry = carry;
    ProductLearner learner(r, 20, 5, cpu::this_machine(), nullptr);
    int step = 0;
    for (int i = 0; i < carry; ++i) learner.step(text, step++, 0);
    for (int i = 0; i < batches * carry; ++i) learner.accumulate(text, step++);
    std::vector<double> energy;
    for (const Stage stage : {Stage::mixer, Stage::ffn1, Stage::ffn2}) {
      const auto g =
          learner.gradient(size_t(&learner.model().at(stage, 0) - learner.model().matrices.data()));
      energy.push_back(dot(g, g));
    }
    return energy;
  };
  const auto whole = energy_of(windows * 32, 1), parts = energy_of(32, windows);
  for (size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(parts[i], whole[i], 0.1 * whole[i]) << i;
}

// Below what pairs of bytes say of the text, in 400 updates.
TEST(ProductLearner, LearnsToReadByJointLanes) {
  const Bytes text = tinyshakespeare(NIBBLE_DATA);
  if (text.empty()) GTEST_SKIP() << "tinyshakespeare.txt is not there";
  const auto train = std::span<const uint8_t>(text).first(300000);
  const auto held_out = std::span<const uint8_t>(text).subspan(300000, 20000);
  const Alphabet alphabet = Alphabet::of(train);
  Recipe r;
  r.model.hidden = 64, r.model.ffn = 128, r.model.ffn_shift = 3, r.model.mixer = false;
  r.train.lanes_joint = 8, r.train.batch = 32;
  const auto pool = cpu::make_pool(2);
  const auto learner = make_learner(r, alphabet.symbols(), 1, cpu::this_machine(), pool.get());
  const Bytes symbols = alphabet.encode(train);
  const int steps = 400;
  for (int i = 0; i < steps; ++i) learner->step(symbols, i, double(i) / steps);
  EXPECT_LT(learner->loss(alphabet.encode(held_out)), ngram_nats(train, held_out)[1]);
}

// The first update moves every shadow by the same with decay and without: what differs is the
// decay's share of what was there, where nothing is clamped.
TEST(ProductLearner, DecayTakesItsShareOffAllShadows) {
  Recipe r = one_block();
  r.train.lr = 0.03f;
  const auto text = markov_text(2000, 20);
  const auto shadow_after = [&](int updates, float decay) {
    r.train.weight_decay = decay;
    const auto learner = make_learner(r, 20, 5, cpu::this_machine(), nullptr);
    for (int i = 0; i < updates; ++i) learner->step(text, i, 0);
    const auto state = learner->state();
    const StateTensor& t = *std::find_if(state.begin(), state.end(), [](const StateTensor& s) {
      return s.name == "block0.ffn1.shadow";
    });
    const auto* values = static_cast<const float*>(t.data);
    return std::vector<float>(values, values + t.bytes() / sizeof(float));
  };
  const auto first = shadow_after(0, 0), without = shadow_after(1, 0), with = shadow_after(1, 2);
  const float limit = efla_lm::shadow_limit(r.model.weights);
  int seen = 0;
  for (size_t i = 0; i < first.size(); ++i) {
    if (std::fabs(without[i]) > 0.9f * limit) continue;
    EXPECT_NEAR(with[i], without[i] - 0.06f * first[i], 1e-5f);
    ++seen;
  }
  EXPECT_GT(seen, int(first.size()) / 2);
}

}  // namespace
}  // namespace nibble::train
