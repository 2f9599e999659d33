#include "nibble/train/schedule.h"

#include <cmath>

namespace nibble::train {

std::optional<Horizon> HorizonEstimator::update(const Horizon& now, int64_t step, double seconds) {
  const double gone = (seconds - seconds_) / budget_, left = budget_ - seconds;
  const bool first = now.steps == 0, over = left <= 0,
             early = now.done(step) && left > 0.02 * budget_;
  const bool quarter = 4 * (step - step_) >= now.steps - step_;
  const bool due = gone >= 0.05 || (gone >= 0.01 && (first || quarter));
  if (step == step_ || !(due || over || early)) return {};
  const double rate = double(step - step_) / std::fmax(seconds - seconds_, 1e-9);
  const Horizon next = {.at = step,
                        .from = now.progress(step),
                        .steps = step + std::llround(std::fmax(left, 0) * rate)};
  step_ = step, seconds_ = seconds;
  return next;
}

}  // namespace nibble::train
