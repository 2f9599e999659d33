// Figures of timed samples: quantiles, and the ratio of two medians with its uncertainty.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace nibble::harness {

// The q-quantile, 0 <= q <= 1, by linear interpolation between order statistics; NaN if empty.
double quantile(std::span<const double> values, double q);
inline double median(std::span<const double> values) { return quantile(values, 0.5); }

// median(a) / median(b) with a bootstrap interval of 95%.
struct Ratio {
  double value = 0, low = 0, high = 0;
};

// a[i] and b[i] were taken one after the other: rounds are resampled, not samples, so what slows a
// whole round (another process, a clock change) widens neither side alone. Deterministic in `seed`.
Ratio ratio_of_medians(std::span<const double> a, std::span<const double> b, uint64_t seed = 1,
                       int resamples = 2000);

enum class Verdict : uint8_t { faster, slower, undecided };
std::string_view to_string(Verdict);

// Decided only if the whole interval of baseline / candidate lies on one side of 1 by more than the
// noise floor: the furthest that the interval of the baseline against itself reaches from 1.
double noise_floor(const Ratio& baseline_against_itself);
Verdict judge(const Ratio& baseline_over_candidate, double noise);

}  // namespace nibble::harness
