#include "nibble/train/scored_learner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "nibble/cpu/detect.h"
#include "nibble/cpu/pool.h"
#include "nibble/runtime/error.h"
#include "nibble/train/small_recipes.h"

namespace nibble::train {
namespace {

// Symbols 0.. are the letters from 'a'.
const Alphabet kLetters = Alphabet::of(Bytes{'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'});

Recipe recipe() {
  Recipe r = small::tiny(small::one_block());
  r.score = {.pairs = 4, .texts = 2, .bytes = 24, .sigma = 0.2f, .lr = 0.05f};
  return r;
}

double share_of_a(const Bytes& text) {
  return double(std::count(text.begin(), text.end(), 'a')) / double(text.size());
}
std::vector<double> count_a(std::span<const Bytes> texts) {
  std::vector<double> scores;
  for (const Bytes& t : texts) scores.push_back(share_of_a(t));
  return scores;
}

std::vector<float> weights_after(const Recipe& r, int steps, int threads, const Scorer& scorer) {
  const auto text = small::markov_text(1000, 8);
  const auto pool = cpu::make_pool(threads);
  const auto l = make_scored_learner(r, kLetters, 3, cpu::this_machine(), pool.get(), scorer);
  for (int i = 0; i < steps; ++i) l->step(text, i, double(i) / steps);
  std::vector<float> all;
  for (const StateTensor& t : l->state())
    if (t.type == DType::f32)
      all.insert(all.end(), static_cast<float*>(t.data),
                 static_cast<float*>(t.data) + t.bytes() / int64_t(sizeof(float)));
  return all;
}

TEST(ScoredLearner, LearnsWhatHasNoGradient) {
  const auto text = small::markov_text(1000, 8);
  const auto l = make_scored_learner(recipe(), kLetters, 3, cpu::this_machine(), nullptr, count_a);
  const auto mean = [&] {
    double sum = 0;
    for (const double s :
         scores_of(recipe(), kLetters, l->state(), text, 1, 20, cpu::this_machine(), count_a))
      sum += s / 20;
    return sum;
  };
  const double before = mean();
  double first = 0, last = 0;
  for (int i = 0; i < 60; ++i) {
    const StepResult r = l->step(text, i, i / 60.0);
    ASSERT_TRUE(r.score);
    (i < 5 ? first : last) = *r.score;
  }
  EXPECT_LT(before, 0.3);
  EXPECT_GT(mean(), 2 * before);
  EXPECT_GT(last, first);
}

TEST(ScoredLearner, SameBitsForAnyNumberOfThreadsAndEveryFitness) {
  for (const Fitness fitness : {Fitness::raw, Fitness::rank, Fitness::zscore}) {
    Recipe r = recipe();
    r.train.fitness = fitness, r.score.nats_weight = 0.1f;
    const auto one = weights_after(r, 2, 1, count_a);
    EXPECT_EQ(one, weights_after(r, 2, 3, count_a));
    EXPECT_NE(one, weights_after(r, 2, 1, [](std::span<const Bytes> texts) {
                std::vector<double> s = count_a(texts);
                for (double& x : s) x = -x;
                return s;
              }));
  }
}

TEST(ScoredLearner, RefusesScoresThatAreNone) {
  const auto refused = [](const Scorer& scorer) {
    try {
      weights_after(recipe(), 1, 1, scorer);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_EQ(refused([](auto) { return std::vector<double>(3, 1.0); }),
            "the fitness gave 3 scores for 16 texts");
  EXPECT_EQ(refused([](auto texts) { return std::vector<double>(texts.size(), NAN); }),
            "the fitness gave a score that is not a number");
  Recipe origin = recipe();
  origin.arithmetic = Arithmetic::origin;
  EXPECT_THROW(make_scored_learner(origin, kLetters, 3, cpu::this_machine(), nullptr, count_a),
               Error);
}

}  // namespace
}  // namespace nibble::train
