#include "nibble/engine/sampling.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "nibble/runtime/error.h"

namespace nibble::engine {
namespace {

const std::vector<float> kLogits = {0.0f, 2.0f, 1.0f, 2.0f, -1.0f};

std::array<int, 5> histogram(const SamplingOptions& options, int draws) {
  Sampler sampler(options);
  std::array<int, 5> count{};
  for (int i = 0; i < draws; ++i) ++count[size_t(sampler.pick(kLogits))];
  return count;
}

TEST(Sampling, GreedyTakesTheFirstOfTheMostLikely) {
  EXPECT_EQ(histogram({.temperature = 0, .seed = 5}, 50)[1], 50);
  EXPECT_EQ(histogram({.top_k = 1, .seed = 5}, 50)[1], 50);
}

// Counts of 100000 draws lie within five standard deviations of softmax(logits / temperature).
TEST(Sampling, FollowsTheSoftmax) {
  for (const double temperature : {0.5, 1.0, 2.0}) {
    const int draws = 100000;
    const auto count = histogram({.temperature = temperature, .seed = 7}, draws);
    double sum = 0;
    for (const float l : kLogits) sum += std::exp(l / temperature);
    for (size_t i = 0; i < kLogits.size(); ++i) {
      const double p = std::exp(kLogits[i] / temperature) / sum;
      EXPECT_NEAR(count[i], draws * p, 5 * std::sqrt(draws * p * (1 - p)))
          << temperature << " " << i;
    }
  }
}

TEST(Sampling, TopKNeverLeavesTheTop) {
  const auto count = histogram({.top_k = 3, .seed = 3}, 10000);
  EXPECT_EQ(count[0] + count[4], 0);
  EXPECT_GT(count[1], 0);
  EXPECT_GT(count[2], 0);
  EXPECT_GT(count[3], 0);
}

TEST(Sampling, ASeedNamesOneSequence) {
  const auto run = [](uint64_t seed) {
    Sampler sampler({.seed = seed});
    std::vector<int> picks;
    for (int i = 0; i < 100; ++i) picks.push_back(sampler.pick(kLogits));
    return picks;
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

TEST(Sampling, NeverPicksWhatIsNotFinite) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  Sampler sampler({.seed = 1});
  const std::vector<float> logits = {-inf, nan, 0.0f, inf};  // one is finite
  for (int i = 0; i < 100; ++i) EXPECT_EQ(sampler.pick(logits), 2);
  EXPECT_THROW(sampler.pick(std::vector<float>{nan, -inf}), Error);
  EXPECT_THROW(sampler.pick({}), Error);
}

TEST(Sampling, RefusesOptionsOutOfRange) {
  EXPECT_THROW(Sampler({.temperature = -1}), Error);
  EXPECT_THROW(Sampler({.temperature = std::nan("")}), Error);
  EXPECT_THROW(Sampler({.top_k = -1}), Error);
}

}  // namespace
}  // namespace nibble::engine
