#include "nibble/train/fitness.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace nibble::train {
namespace {

void to_zscores(std::span<float> d, float clip) {
  double sum = 0, squares = 0;
  for (const float x : d) sum += x;
  const double mean = sum / double(d.size());
  for (const float x : d) squares += (x - mean) * (x - mean);
  const double deviation = std::sqrt(squares / double(d.size())) + 1e-6;
  for (float& x : d) x = std::clamp(float((x - mean) / deviation), -clip, clip);
}

void to_ranks(std::span<float> d) {
  for (float& x : d)
    if (std::isnan(x)) x = std::numeric_limits<float>::max();  // or they would have no order
  std::vector<size_t> order(d.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return d[a] != d[b] ? d[a] < d[b] : a < b; });
  const double step = d.size() > 1 ? 2.0 / double(d.size() - 1) : 0;
  for (size_t first = 0, end; first < order.size(); first = end) {
    const float value = d[order[first]];
    for (end = first + 1; end < order.size() && d[order[end]] == value;) ++end;
    const auto rank = float(double(first + end - 1) / 2 * step - (d.size() > 1));
    for (size_t i = first; i < end; ++i) d[order[i]] = rank;
  }
}

}  // namespace

void shape(Fitness fitness, float clip, std::span<float> d) {
  switch (fitness) {
    case Fitness::raw:
      return;
    case Fitness::clipped:
      for (float& x : d) x = std::clamp(x, -clip, clip);
      return;
    case Fitness::sign:
      for (float& x : d) x = float((x > 0) - (x < 0));
      return;
    case Fitness::zscore:
      return to_zscores(d, clip);
    case Fitness::rank:
      return to_ranks(d);
  }
}

}  // namespace nibble::train
