// Takes timed samples of one or more things in turn. Knows nothing of ops; the clock is an
// argument.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace nibble::harness {

using Clock = std::function<double()>;  // microseconds, never running backwards
double steady_now_us();

struct Arm {
  std::function<void()> call;             // what is timed
  std::function<void()> prepare = [] {};  // before each sample, not timed
};

struct Sampling {
  double warm_up_us = 50e3;  // for each arm
  double time_us = 300e3;    // of timed samples, for each arm
  double sample_us = 20;     // a sample is as many calls as fill so much: the clock costs 0.03
  int min_samples = 7, max_samples = 20000;
};

struct Samples {
  std::vector<double> us;  // of one call: the sample's time divided by its calls
  int64_t calls = 1;       // in a sample
};

// Round by round, each arm once in a round; the order turns from round to round, so that no arm
// always follows the same neighbour. Every arm gets as many samples as any other.
std::vector<Samples> sample(std::span<const Arm> arms, const Sampling&, const Clock& now);

}  // namespace nibble::harness
