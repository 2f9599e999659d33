#include "nibble/train/product_learner.h"
#include "nibble/models/efla_lm/generator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"
#include "nibble/runtime/thread_ranks.h"
#include "nibble/train/small_recipes.h"
#include "nibble/train/work.h"

namespace nibble::train {
namespace {

using small::markov_text, small::one_block, small::two_blocks, small::tiny;

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

// Of each rank, and the loss that it reports.
std::vector<Bytes> after_updates_among(int ranks, const Recipe& r, int threads, int updates) {
  const auto text = markov_text(2000, 20);
  std::vector<Bytes> all(static_cast<size_t>(ranks));
  const auto thrown = ThreadRanks(ranks).run([&](Communicator& c) {
    const auto pool = cpu::make_pool(threads);
    const auto learner = make_learner(r, 20, 5, cpu::this_machine(), pool.get());
    learner->share(&c);
    std::vector<double> nats;
    for (int i = 0; i < updates; ++i) nats.push_back(learner->step(text, i, i / 10.0).train_nats);
    nats.push_back(learner->loss(text, 128));
    learner->gather();
    all[size_t(c.rank())] = bytes_of(*learner);
    const auto* p = reinterpret_cast<const uint8_t*>(nats.data());
    all[size_t(c.rank())].emplace_back(p, p + nats.size() * sizeof(double));
  });
  for (const auto& t : thrown)
    if (t) std::rethrow_exception(t);
  return all;
}

class Determinism : public testing::TestWithParam<int> {
 protected:
  static Recipe recipe() {
    Recipe r = tiny(GetParam() == 1 || GetParam() == 9 ? two_blocks() : one_block());
    if (GetParam() == 2) r.train.head_rule = HeadRule::delta, r.model.weights = WeightFormat::int8;
    if (GetParam() == 3) r.model.mixer = false, r.train.fitness = Fitness::clipped;
    if (GetParam() == 2) r.train.fitness = Fitness::rank, r.train.credit_window = 3;
    if (GetParam() >= 4) r.train.estimator = Estimator::weight;
    if (GetParam() >= 5) r.train.rank = GetParam() == 5 ? 2 : 3;
    if (GetParam() % 2 == 1) r.train.weight_decay = 0.1f;
    if (GetParam() == 4) r.train.fitness = Fitness::zscore;
    if (GetParam() == 5) r.train.head_rule = HeadRule::delta;
    if (GetParam() == 5) r.train.update = UpdateRule::momentum;
    if (GetParam() == 3) r.train.update = UpdateRule::shadow;
    if (GetParam() == 6) r.model.weights = WeightFormat::nvfp4;
    if (GetParam() == 6) r.model.activation = efla_lm::Activation::gelu;
    if (GetParam() >= 7) r.train.lanes_joint = 3, r.train.carry = 3, r.train.rank = 2;
    if (GetParam() == 7) r.train.estimator = Estimator::activity, r.train.rank = 1;
    if (GetParam() == 8) r.train.lanes_mixer = 0;
    if (GetParam() >= 9) r.train.rank = kFullRank;
    if (GetParam() == 9) r.train.lanes_joint = 0;
    if (GetParam() == 4 || GetParam() >= 10) r.model.weights = WeightFormat::bf16;
    if (GetParam() == 11) r.train.estimator = Estimator::activity, r.train.rank = 1;
    if (GetParam() == 11) r.train.lanes_joint = 0, r.train.update = UpdateRule::momentum;
    if (GetParam() >= 12) r = embedded(GetParam() == 12);
    return r;
  }
  // A trained embedding, and a batch that doubles between the fourth update and the fifth.
  static Recipe embedded(bool by_weight) {
    Recipe r = tiny(by_weight ? two_blocks() : one_block());
    r.model.embedding = efla_lm::Embedding::trained, r.model.mixer = by_weight;
    r.train.batch = 12, r.train.grow = 2;
    if (by_weight) r.train.estimator = Estimator::weight, r.train.rank = 2;
    if (!by_weight) r.model.weights = WeightFormat::int8;
    return r;
  }
};

TEST_P(Determinism, SameBitsForAnyNumberOfThreads) {
  const Machine& machine = cpu::this_machine();
  const Bytes one = after_updates(recipe(), 1, machine, 5);
  EXPECT_EQ(difference(one, after_updates(recipe(), 2, machine, 5)), -1);
  EXPECT_EQ(difference(one, after_updates(recipe(), 7, machine, 5)), -1);
}

TEST_P(Determinism, SameBitsForAnyNumberOfRanks) {
  const std::vector<Bytes> one = after_updates_among(1, recipe(), 1, 2);
  for (const int ranks : {2, 3})
    for (const Bytes& rank : after_updates_among(ranks, recipe(), 4 - ranks, 2))
      EXPECT_EQ(difference(one[0], rank), -1) << ranks << " ranks";
}

TEST_P(Determinism, SameBitsOnEveryIsa) {
  const Machine& machine = cpu::this_machine();
  const Bytes portable = after_updates(recipe(), 1, machine.limited_to(Isa::portable), 5);
  for (const IsaName& least : kIsaNames) {
    IsaSet allowed;
    if (!parse_isa_limit(least.name, allowed) || !machine.has(least.set)) continue;
    EXPECT_EQ(difference(portable, after_updates(recipe(), 2, machine.limited_to(allowed), 5)), -1)
        << least.name;
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

INSTANTIATE_TEST_SUITE_P(Recipes, Determinism, testing::Range(0, 14));

// What ranks exchange, in words of 32 bits.
struct Metered final : Communicator {
  explicit Metered(Communicator& c) : all(c) {}
  int rank() const override { return all.rank(); }
  int size() const override { return all.size(); }
  void sum(std::span<int32_t> v) override { words += int64_t(v.size()), all.sum(v); }
  void sum(std::span<int64_t> v) override { words += 2 * int64_t(v.size()), all.sum(v); }
  Communicator& all;
  int64_t words = 0;
};

// An update reads its own rank's contexts alone: a checkpoint needs the others', no update does.
TEST(ProductLearner, CarriedContextsAreExchangedForCheckpointsAlone) {
  const auto words_of = [](int carry) {
    Recipe r = tiny(one_block());
    r.train.carry = carry, r.train.batch = 12;
    std::vector<int64_t> words(2);  // of two updates, and of what state() needs then
    const auto text = markov_text(2000, 20);
    const auto thrown = ThreadRanks(2).run([&](Communicator& c) {
      Metered metered(c);
      const auto learner = make_learner(r, 20, 5, cpu::this_machine(), nullptr);
      learner->share(&metered);
      for (int i = 0; i < 2; ++i) learner->step(text, i, 0);
      const int64_t updates = metered.words;
      learner->gather();
      if (c.rank() == 0) words = {updates, metered.words - updates};
    });
    for (const auto& t : thrown) EXPECT_EQ(t, nullptr);
    return words;
  };
  EXPECT_GT(words_of(1)[0], 0);
  EXPECT_EQ(words_of(4)[0], words_of(1)[0]);
  EXPECT_EQ(words_of(1)[1], 0);
  EXPECT_EQ(words_of(4)[1], 12 * (8 * 32 + 2 * 32 / 4));  // as state() has them
}

TEST(ProductLearner, LossDoesNotDependOnThreads) {
  const auto text = markov_text(3000, 20);
  const auto pool = cpu::make_pool(3);
  const auto one = make_learner(tiny(one_block()), 20, 5, cpu::this_machine(), nullptr);
  const auto three = make_learner(tiny(one_block()), 20, 5, cpu::this_machine(), pool.get());
  for (int window : {1, 7, 128, 5000})
    EXPECT_EQ(one->loss(text, window), three->loss(text, window));
}

// Windows of 16 symbols whose contexts are carried are scored as the whole is that they make up,
// from efla's states and the rows that token shifts read; without, each begins anew.
TEST(ProductLearner, CarriesContextsFromWindowToWindow) {
  Recipe r = tiny(two_blocks());
  r.train.batch = 1, r.train.seq = 16, r.train.lr = 0;
  const auto text = markov_text(5 * 16 + 1, 20);  // all windows of a run: there is but one place
  for (const int carry : {5, 1}) {
    r.train.carry = carry;
    const auto learner = make_learner(r, 20, 5, cpu::this_machine(), nullptr);
    for (int run = 0; run < 2 && carry > 1; ++run) {  // the second begins anew too
      double nats = 0;
      for (int i = 0; i < carry; ++i) nats += learner->step(text, run * carry + i, 0).train_nats;
      EXPECT_NEAR(nats / carry, learner->loss(text, carry * 16), 1e-9);
    }
    EXPECT_NE(learner->loss(text, 5 * 16), learner->loss(text, 16));
  }
}

// A slot's windows follow one another, and slots begin anew in different steps.
TEST(ProductLearner, CarriedContextsAreResumedAndShared) {
  Recipe r = tiny(one_block());
  r.train.carry = 4;
  const auto text = markov_text(2000, 20);
  const auto learner = make_learner(r, 20, 5, cpu::this_machine(), nullptr);
  learner->step(text, 0, 0);
  const auto state = learner->state();
  const auto carried = std::find_if(state.begin(), state.end(),
                                    [](const StateTensor& t) { return t.name == "carried"; });
  ASSERT_NE(carried, state.end());
  EXPECT_EQ(carried->shape, (std::vector<int64_t>{12, 8 * 32 + 2 * 32 / 4}));
  const auto* words = static_cast<const int32_t*>(carried->data);
  EXPECT_GT(std::count_if(words, words + carried->bytes() / 4, [](int32_t w) { return w != 0; }),
            carried->bytes() / 4 * 9 / 10);
}

// Each block of 16 inputs is e2m1 values times one whole number.
TEST(ProductLearner, WeightsOfNvfp4AreATensorOfNvfp4) {
  Recipe r = tiny(one_block());
  r.model.weights = WeightFormat::nvfp4;
  Model model(r.model, 20);
  Matrix& m = model.matrices[1];
  std::vector<float> shadow(size_t(m.size()));
  Random rng(3);
  for (size_t i = 0; i < shadow.size(); ++i)
    shadow[i] = rng.uniform(-m.limit, m.limit) * (i % 7 == 0 ? 1.0f : 0.05f);
  for (int k = 0; k < 16; ++k) shadow[size_t(k * m.n)] = k == 3 ? -m.limit : 0;
  efla_lm::project(m, shadow.data());
  // Read back by multiplying with unit vectors.
  Buffer<int8_t> unit(m.k);
  Buffer<int32_t> row(m.n);
  Chosen<gemm_s8::Op> gemm({.m = 1, .n = m.n, .k = m.k, .lda = m.k, .ldc = m.n},
                           cpu::this_machine());
  std::vector<std::vector<int>> codes;
  for (int k = 0; k < m.k; ++k) {
    std::fill(unit.begin(), unit.end(), int8_t(0));
    unit[k] = 1;
    gemm({.m = 1,
          .n = m.n,
          .k = m.k,
          .lda = m.k,
          .ldc = m.n,
          .a = unit.data(),
          .b = m.weight.data(),
          .c = row.data()});
    codes.emplace_back(row.begin(), row.end());
  }
  EXPECT_EQ(codes[3][0], -120);
  const int values[] = {0, 1, 2, 3, 4, 6, 8, 12};  // twice e2m1's
  double error = 0, most = 0;
  for (int n = 0; n < m.n; ++n)
    for (int k = 0; k < m.k; k += 16) {
      bool some = false;
      for (int s = 1; s <= 10 && !some; ++s) {
        some = true;
        for (int i = 0; i < 16; ++i) {
          bool one = false;
          for (const int v : values) one |= std::abs(codes[size_t(k + i)][size_t(n)]) == v * s;
          some &= one;
        }
      }
      EXPECT_TRUE(some) << n << " " << k;
      for (int i = 0; i < 16; ++i) {
        const double x = shadow[size_t((k + i) * m.n + n)] * double(m.code_scale);
        error = std::max(error, std::fabs(x - codes[size_t(k + i)][size_t(n)]));
        most = std::max(most, std::fabs(x));
      }
    }
  EXPECT_LE(error, most / 6 + 6);  // half of e2m1's largest step, and what the scale is rounded by
}

TEST(ProductLearner, GeneratorGivesTheLogitsOfTheParallelPass) {
  Recipe other = tiny(one_block());
  other.model.weights = WeightFormat::nvfp4, other.model.activation = efla_lm::Activation::gelu;
  Recipe wide = tiny(one_block());
  wide.model.weights = WeightFormat::bf16;
  Recipe embedded = tiny(two_blocks());
  embedded.model.embedding = efla_lm::Embedding::trained;
  for (Recipe r : {tiny(one_block()), tiny(two_blocks()), other, wide, embedded}) {
    const auto text = markov_text(500, 20);
    ProductLearner learner(r, 20, 5, cpu::this_machine(), nullptr);
    for (int i = 0; i < 4; ++i) learner.step(text, i, 0);
    const auto weights = learner.state();
    const auto generator = efla_lm::make_generator(r.model, 20, weights, cpu::this_machine());
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

// Each size has its share of the run; what is left of it ends with the whole batch.
TEST(ProductLearner, BatchesGrow) {
  Recipe r = tiny(one_block());
  r.train.batch = 12, r.train.grow = 2;
  const auto text = markov_text(500, 20);
  const auto learner = make_learner(r, 20, 5, cpu::this_machine(), nullptr);
  const auto sequences = [&](double progress) {
    return learner->step(text, 0, progress).data_tokens / r.train.seq;
  };
  EXPECT_EQ(sequences(0), 3);
  EXPECT_EQ(sequences(0.33), 3);
  EXPECT_EQ(sequences(0.34), 6);
  EXPECT_EQ(sequences(0.67), 12);
  EXPECT_EQ(sequences(1), 12);
  EXPECT_EQ(sequences(0), 3);
  r.train.batch = 10;
  EXPECT_THROW(make_learner(r, 20, 5, cpu::this_machine(), nullptr), Error);
}

TEST(ProductLearner, PredictionsDoNotDependOnLaterSymbols) {
  const ProductLearner learner(tiny(two_blocks()), 20, 5, cpu::this_machine(), nullptr);
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

// Of 18496 products a token: 3424 in the clean pass and as many in the gradient; behind the mixer
// 1856 for each of 2 lanes, behind the first FFN matrix 832 for 8, behind the second 320 for 4.
TEST(Work, CountsEveryProductOfAnUpdate) {
  Recipe r;
  r.model.hidden = 16, r.model.ffn = 32, r.model.heads = 1, r.model.key_dim = 16;
  r.train.batch = 1, r.train.seq = 2;
  EXPECT_EQ(integer_ops(r, 20), 2 * 2 * 18496);
  // A trained embedding costs its lanes' passes alone.
  r.model.embedding = efla_lm::Embedding::trained, r.train.lanes_embedding = 3;
  EXPECT_EQ(integer_ops(r, 20), 2 * 2 * (18496 + 3 * 3424));
  r.model.embedding = efla_lm::Embedding::fixed;
  // Joint lanes: the clean pass, the gradient, and 5 times all that is behind the first matrix.
  r.train.lanes_joint = 5;
  EXPECT_EQ(integer_ops(r, 20), 2 * 2 * (3424 + 3424 + 5 * 1856));
  r.train.lanes_joint = 0;
  // By weight, 15936 for the signs of both a sequence's noise and, of full rank, of a token's.
  r.train.estimator = Estimator::weight;
  EXPECT_EQ(integer_ops(r, 20), 2 * (2 * 3424 + 2 * 11648 + 15936));
  r.train.rank = kFullRank;
  EXPECT_EQ(integer_ops(r, 20), 2 * (2 * 3424 + 2 * 11648 + 15936 + 2 * 15936));
}

}  // namespace
}  // namespace nibble::train
