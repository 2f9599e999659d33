#include "nibble/train/fitness.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace nibble::train {
namespace {

std::vector<float> shaped(Fitness fitness, std::vector<float> d, float clip = 1) {
  shape(fitness, clip, d);
  return d;
}
using Values = std::vector<float>;

TEST(Fitness, KeepsClipsAndTakesSigns) {
  const Values d = {-3, 0, 0.5f, 2};
  EXPECT_EQ(shaped(Fitness::raw, d), d);
  EXPECT_EQ(shaped(Fitness::clipped, d), (Values{-1, 0, 0.5f, 1}));
  EXPECT_EQ(shaped(Fitness::sign, d), (Values{-1, 0, 1, 1}));
}

TEST(Fitness, RanksAreCentredAndTiesShareOne) {
  EXPECT_EQ(shaped(Fitness::rank, {5, -100, 7, 6, 0}), (Values{0, -1, 1, 0.5f, -0.5f}));
  EXPECT_EQ(shaped(Fitness::rank, {2, 1, 2, 0}), (Values{2 / 3.0f, -1 / 3.0f, 2 / 3.0f, -1}));
  EXPECT_EQ(shaped(Fitness::rank, {4}), (Values{0}));
  EXPECT_EQ(shaped(Fitness::rank, {1, 1, 1}), (Values{0, 0, 0}));
  EXPECT_EQ(shaped(Fitness::rank, {1, NAN, 2}), (Values{-1, 1, 0}));  // no number is the worst
}

TEST(Fitness, ZScoresHaveMeanZeroAndDeviationOne) {
  const Values z = shaped(Fitness::zscore, {1, 2, 3, 4}, 3);
  double sum = 0, squares = 0;
  for (const float x : z) sum += x, squares += x * x;
  EXPECT_NEAR(sum, 0, 1e-6);
  EXPECT_NEAR(squares / 4, 1, 1e-5);
  EXPECT_EQ(shaped(Fitness::zscore, {1, 1}, 3), (Values{0, 0}));
  EXPECT_EQ(shaped(Fitness::zscore, Values(100, 0.0f), 3), Values(100, 0.0f));
  Values one(101, 0.0f);
  one[7] = 1;
  EXPECT_EQ(shaped(Fitness::zscore, one, 3)[7], 3);
}

}  // namespace
}  // namespace nibble::train
