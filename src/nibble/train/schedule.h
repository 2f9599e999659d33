// Where a run stands in its learning-rate schedule, and the rate there. The schedule wants progress
// from 0 to 1, and so a number of steps. A run of N steps knows it; a run of S seconds measures its
// speed and estimates it again and again. Every estimate is recorded, and the steps between two of
// them depend on the record alone, so that the same horizons give the same weights however fast the
// machine is.
#pragma once
#include <cstdint>
#include <optional>

namespace nibble::train {

// Progress is linear from (at, from) to (steps, 1); a later horizon starts where the one before it
// stands, so progress never jumps.
struct Horizon {
  int64_t at = 0;
  double from = 0;
  int64_t steps = 0;  // the run ends after so many; 0: not known yet, progress stays at `from`

  double progress(int64_t step) const {
    if (steps == 0) return from;
    if (steps <= at || step >= steps) return 1;
    return from + (1 - from) * (double(step - at) / double(steps - at));
  }
  bool done(int64_t step) const { return steps > 0 && step >= steps; }
};

// Estimates horizons for a budget in seconds from the speed since the estimate before: first after
// 1% of the budget; then after every further 5%, or when a quarter of the steps that were left is
// done, so that an early and bad estimate does not last; and when the steps are done but the time
// is not. Then progress stays at 1 and the run goes on at the final learning rate.
class HorizonEstimator {
 public:
  HorizonEstimator(double budget, int64_t step, double seconds)
      : budget_(budget), step_(step), seconds_(seconds) {}

  // `step` steps are done after `seconds`. Nothing if it is not yet time for an estimate.
  std::optional<Horizon> update(const Horizon& now, int64_t step, double seconds);

 private:
  double budget_;
  int64_t step_;  // at the estimate before, or where this process began
  double seconds_;
};

// The cosine from lr at progress 0 to lr * end at progress 1; progress is clamped to [0, 1].
// IEEE operations alone, the same bits everywhere; so has the integer power.
double learning_rate(double lr, double end, double progress);
double power(double base, int64_t exponent);

}  // namespace nibble::train
