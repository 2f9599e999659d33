#include "nibble/harness/sampler.h"

#include <gtest/gtest.h>

#include <string>

namespace nibble::harness {
namespace {

// A clock that moves only when work is done.
struct FakeTime {
  double us = 0;
  Clock clock() {
    return [this] { return us; };
  }
  Arm work(double cost) {
    return {.call = [this, cost] { us += cost; }};
  }
};

TEST(Sampler, FillsASampleWithCallsUntilItIsLongEnough) {
  FakeTime t;
  const Arm arm = t.work(0.5);
  const auto s =
      sample({&arm, 1}, {.warm_up_us = 100, .time_us = 1000, .sample_us = 20}, t.clock());
  ASSERT_EQ(s.size(), 1u);
  EXPECT_EQ(s[0].calls, 64);       // the power of two that fills 20 us
  EXPECT_EQ(s[0].us.size(), 32u);  // of 32 us each
  for (double us : s[0].us) EXPECT_DOUBLE_EQ(us, 0.5);
}

TEST(Sampler, ASlowCallIsStillRepeated) {
  FakeTime t;
  const Arm arm = t.work(1e6);
  const auto s = sample({&arm, 1}, {.time_us = 10, .min_samples = 7}, t.clock());
  EXPECT_EQ(s[0].calls, 1);
  EXPECT_EQ(s[0].us.size(), 7u);
}

TEST(Sampler, StopsAtTheMostSamples) {
  FakeTime t;
  const Arm arm = t.work(30);
  const auto s = sample({&arm, 1}, {.time_us = 1e9, .max_samples = 50}, t.clock());
  EXPECT_EQ(s[0].us.size(), 50u);
}

TEST(Sampler, DoesNotTimePreparation) {
  FakeTime t;
  Arm arm = t.work(40);
  arm.prepare = [&t] { t.us += 1000; };
  const auto s = sample({&arm, 1}, {.time_us = 400}, t.clock());
  for (double us : s[0].us) EXPECT_DOUBLE_EQ(us, 40);
}

TEST(Sampler, InterleavesArmsAndTurnsTheirOrder) {
  FakeTime t;
  std::string order;
  const auto arm = [&](char name) { return Arm{.call = [&, name] { order += name, t.us += 25; }}; };
  const Arm arms[] = {arm('a'), arm('b'), arm('c')};
  const auto s = sample(arms, {.warm_up_us = 1, .time_us = 75, .min_samples = 3}, t.clock());
  EXPECT_EQ(order,
            "abc"  // warm-up
            "abc"
            "bca"
            "cab");
  for (const Samples& x : s) EXPECT_EQ(x.us.size(), 3u);
}

}  // namespace
}  // namespace nibble::harness
