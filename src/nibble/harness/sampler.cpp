#include "nibble/harness/sampler.h"

#include <time.h>

namespace nibble::harness {

double steady_now_us() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return double(t.tv_sec) * 1e6 + double(t.tv_nsec) * 1e-3;
}

namespace {

double timed(const Arm& arm, int64_t calls, const Clock& now) {
  arm.prepare();
  const double start = now();
  for (int64_t i = 0; i < calls; ++i) arm.call();
  return now() - start;
}

// Runs the arm until the time is up and returns how many calls make a sample long enough.
int64_t warm_up(const Arm& arm, const Sampling& s, const Clock& now) {
  int64_t calls = 1;
  double spent = 0;
  while (true) {
    const double us = timed(arm, calls, now);
    spent += us;
    const bool too_short = us < s.sample_us && calls < (1 << 20);
    if (!too_short && spent >= s.warm_up_us) return calls;
    if (too_short) calls *= 2;
  }
}

}  // namespace

std::vector<Samples> sample(std::span<const Arm> arms, const Sampling& s, const Clock& now) {
  std::vector<Samples> all(arms.size());
  for (size_t a = 0; a < arms.size(); ++a) all[a].calls = warm_up(arms[a], s, now);
  double spent = 0;
  const double budget = s.time_us * double(arms.size());
  for (int round = 0; round < s.max_samples && (round < s.min_samples || spent < budget); ++round) {
    for (size_t i = 0; i < arms.size(); ++i) {
      const size_t a = (i + size_t(round)) % arms.size();
      const double us = timed(arms[a], all[a].calls, now);
      all[a].us.push_back(us / double(all[a].calls));
      spent += us;
    }
  }
  return all;
}

}  // namespace nibble::harness
