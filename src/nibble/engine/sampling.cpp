#include "nibble/engine/sampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nibble/runtime/error.h"

namespace nibble::engine {

Sampler::Sampler(const SamplingOptions& options) : options_(options), random_(options.seed) {
  if (!(options.temperature >= 0 && options.temperature <= 100))
    throw Error("the temperature must be a number from 0 to 100");
  if (options.top_k < 0) throw Error("top-k must be 0, for all symbols, or positive");
}

int Sampler::pick(std::span<const float> logits) {
  // One draw for each symbol, whatever the options: changing them does not shift the others' luck.
  const double luck = double(random_.next64() >> 11) * 0x1p-53;
  order_.clear();
  for (size_t i = 0; i < logits.size(); ++i)
    if (std::isfinite(logits[i])) order_.push_back(int(i));
  if (order_.empty()) throw Error("the model gave no finite logit: its weights are damaged");
  const auto likelier = [&](int a, int b) {
    const float x = logits[size_t(a)], y = logits[size_t(b)];
    return x != y ? x > y : a < b;
  };
  const int best = *std::min_element(order_.begin(), order_.end(), likelier);
  if (options_.temperature == 0) return best;
  if (options_.top_k > 0 && size_t(options_.top_k) < order_.size()) {
    std::nth_element(order_.begin(), order_.begin() + options_.top_k - 1, order_.end(), likelier);
    order_.resize(size_t(options_.top_k));
    std::sort(order_.begin(), order_.end());
  }
  weight_.clear();
  double sum = 0;
  for (const int i : order_) {
    const double z = double(logits[size_t(i)]) - double(logits[size_t(best)]);  // <= 0
    weight_.push_back(std::exp(z / options_.temperature));
    sum += weight_.back();
  }
  double left = luck * sum;
  for (size_t i = 0; i < order_.size(); ++i)
    if ((left -= weight_[i]) < 0) return order_[i];
  return best;  // rounding ate the last sliver
}

}  // namespace nibble::engine
