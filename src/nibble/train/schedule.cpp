#include "nibble/train/schedule.h"

#include <cmath>

namespace nibble::train {

std::optional<Horizon> HorizonEstimator::update(const Horizon& now, int64_t step, double seconds) {
  const double interval = budget_ * (now.steps == 0 ? 0.02 : 0.05);
  if (step == step_ || (seconds < seconds_ + interval && seconds < budget_)) return {};
  const double rate = double(step - step_) / std::fmax(seconds - seconds_, 1e-9);
  const double left = std::fmax(budget_ - seconds, 0) * rate;  // steps; 0 once the time is up
  step_ = step, seconds_ = seconds;
  return Horizon{.at = step, .from = now.progress(step), .steps = step + std::llround(left)};
}

}  // namespace nibble::train
