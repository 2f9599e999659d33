#include "nibble/train/schedule.h"

#include <algorithm>
#include <cmath>

namespace nibble::train {
namespace {

constexpr double kPi = 3.14159265358979323846;

// cos(pi p) for p in [0, 1], by IEEE operations: -sin x for x = pi (p - 1/2), |x| <= pi / 2, its
// Taylor series to x^19: 1e-15.
double cos_pi(double p) {
  const double x = kPi * (p - 0.5), xx = x * x;
  double s = 0;
  for (int n = 18; n >= 2; n -= 2) s = (1 + s) * (-xx / (n * (n + 1)));
  return -x * (1 + s);
}

}  // namespace

double power(double base, int64_t exponent) {
  double r = 1;
  for (; exponent > 0; exponent >>= 1, base *= base)
    if (exponent & 1) r *= base;
  return r;
}

double learning_rate(double lr, double end, double progress) {
  return lr * (end + (1 - end) * 0.5 * (1 + cos_pi(std::clamp(progress, 0.0, 1.0))));
}

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
