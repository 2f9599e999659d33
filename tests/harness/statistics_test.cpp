#include "nibble/harness/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "nibble/base/random.h"

namespace nibble::harness {
namespace {

TEST(Quantile, InterpolatesBetweenOrderStatistics) {
  const std::vector<double> v = {40, 10, 30, 20, 50};
  EXPECT_EQ(median(v), 30);
  EXPECT_EQ(quantile(v, 0), 10);
  EXPECT_EQ(quantile(v, 1), 50);
  EXPECT_DOUBLE_EQ(quantile(v, 0.1), 14);
  EXPECT_DOUBLE_EQ(median(std::vector<double>{1, 2}), 1.5);
  EXPECT_TRUE(std::isnan(median({})));
}

// Samples around `centre` with noise that both sides of a round share, and a rare slow one.
std::vector<double> samples(double centre, uint64_t seed, size_t n = 200) {
  Random own(seed), shared(99);
  std::vector<double> v;
  for (size_t i = 0; i < n; ++i)
    v.push_back(centre * (1 + 0.05 * shared.uniform()) * (1 + 0.02 * own.uniform()) *
                (own.below(20) == 0 ? 3 : 1));
  return v;
}

TEST(Ratio, FindsADifferenceOutsideTheNoiseAndNoneInside) {
  const auto a = samples(100, 1), again = samples(100, 2), b = samples(80, 3);
  const Ratio r = ratio_of_medians(a, b), self = ratio_of_medians(a, again);
  EXPECT_NEAR(r.value, 1.25, 0.02);
  EXPECT_LT(r.low, r.value);
  EXPECT_GT(r.high, r.value);
  EXPECT_LT(r.high - r.low, 0.05);
  EXPECT_LT(self.low, 1.01);
  EXPECT_GT(self.high, 0.99);
  const double noise = noise_floor(self);
  EXPECT_LT(noise, 0.03);
  EXPECT_EQ(judge(r, noise), Verdict::faster);
  EXPECT_EQ(judge(ratio_of_medians(b, a), noise), Verdict::slower);
  EXPECT_EQ(judge(self, noise), Verdict::undecided);
}

TEST(Ratio, IsDeterministic) {
  const auto a = samples(1, 1), b = samples(1, 2);
  const Ratio x = ratio_of_medians(a, b), y = ratio_of_medians(a, b);
  EXPECT_EQ(x.low, y.low);
  EXPECT_EQ(x.high, y.high);
}

// An interval of 95% holds the truth in about 190 of 200 repetitions; 180 is three sigma below.
TEST(Ratio, IntervalsCoverTheTruth) {
  int covered = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const auto a = samples(100, 2 * seed + 10, 60), b = samples(100, 2 * seed + 11, 60);
    const Ratio r = ratio_of_medians(a, b, seed, 400);
    covered += r.low <= 1 && 1 <= r.high;
  }
  EXPECT_GE(covered, 180);
  EXPECT_LT(covered, 200);
}

TEST(Verdict, AnEffectWithinTheNoiseFloorIsUndecided) {
  EXPECT_EQ(judge({.value = 1.03, .low = 1.02, .high = 1.04}, 0.03), Verdict::undecided);
  EXPECT_EQ(judge({.value = 1.05, .low = 1.04, .high = 1.06}, 0.03), Verdict::faster);
  EXPECT_EQ(judge({.value = 0.95, .low = 0.94, .high = 0.96}, 0.03), Verdict::slower);
  EXPECT_EQ(judge({.value = 1.2, .low = 0.9, .high = 1.5}, 0), Verdict::undecided);
}

}  // namespace
}  // namespace nibble::harness
