#include "nibble/harness/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "nibble/base/random.h"

namespace nibble::harness {

double quantile(std::span<const double> values, double q) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::vector<double> v(values.begin(), values.end());
  const double at = std::clamp(q, 0.0, 1.0) * double(v.size() - 1);
  const auto low = v.begin() + std::ptrdiff_t(at);
  std::nth_element(v.begin(), low, v.end());
  if (low + 1 == v.end()) return *low;
  const double above = *std::min_element(low + 1, v.end());
  return *low + (above - *low) * (at - std::floor(at));
}

Ratio ratio_of_medians(std::span<const double> a, std::span<const double> b, uint64_t seed,
                       int resamples) {
  const size_t rounds = std::min(a.size(), b.size());
  Ratio r;
  r.value = median(a.first(rounds)) / median(b.first(rounds));
  Random rng(seed);
  std::vector<double> ratios, x(rounds), y(rounds);
  for (int k = 0; k < resamples; ++k) {
    for (size_t i = 0; i < rounds; ++i) {
      const size_t round = rng.below(rounds);
      x[i] = a[round], y[i] = b[round];
    }
    ratios.push_back(median(x) / median(y));
  }
  r.low = quantile(ratios, 0.025), r.high = quantile(ratios, 0.975);
  return r;
}

std::string_view to_string(Verdict v) {
  switch (v) {
    case Verdict::faster:
      return "faster";
    case Verdict::slower:
      return "slower";
    case Verdict::undecided:
      break;
  }
  return "undecided";
}

double noise_floor(const Ratio& r) { return std::max(std::abs(r.low - 1), std::abs(r.high - 1)); }

Verdict judge(const Ratio& r, double noise) {
  if (r.low > 1 + noise) return Verdict::faster;
  if (r.high < 1 - noise) return Verdict::slower;
  return Verdict::undecided;
}

}  // namespace nibble::harness
