// Weight decay, and update rules beside Adam, for comparisons: plain code, one matrix after the
// other in one order, so that the bits are the same everywhere.
#include <algorithm>
#include <cmath>

#include "nibble/train/product_learner.h"

namespace nibble::train {
namespace {

double mean_square(std::span<const float> x) {
  double sum = 0;
  for (const float v : x) sum += double(v) * v;
  return sum / double(x.size());
}

}  // namespace

// Apart from the gradient, so that Adam does not divide it by the noise.
void ProductLearner::decay(size_t matrix, float rate) {
  const float keep = std::max(0.0f, 1 - rate * recipe_.train.weight_decay);
  float* shadow = trained_[matrix].shadow.data();
  parallel_for(pool_, trained_[matrix].shadow.size(), 1 << 14, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) shadow[i] *= keep;
  });
}

void ProductLearner::apply_rule(size_t matrix, float rate) {
  const TrainRecipe& r = recipe_.train;
  Matrix& m = model_.matrices[matrix];
  Trained& w = trained_[matrix];
  const auto size = size_t(m.size());
  std::vector<float> g(size);
  for (size_t i = 0; i < size; ++i) {
    int32_t sum = 0;
    for (size_t p = 0; p < workers_.size(); ++p) {
      sum += w.grad[int64_t(p * size + i)];
      w.grad[int64_t(p * size + i)] = 0;
    }
    g[i] = float(sum) * (unit(matrix) / float(accumulated_));
  }
  float least = 0;
  if (r.update == UpdateRule::momentum) {
    for (size_t i = 0; i < size; ++i) {
      float& mean = w.m[int64_t(i)];
      mean = r.beta1 * mean + (1 - r.beta1) * g[i];
      g[i] = mean;
    }
  } else {
    least = r.z_threshold;
  }
  // The mean square: of this update, or over time, kept in the first of Adam's second moments.
  double square = mean_square(g);
  if (r.update == UpdateRule::shadow) {
    float& ema = w.v[0];
    ema = ema == 0 ? float(square) : r.beta2 * ema + (1 - r.beta2) * float(square);
    square = ema;
  }
  const auto by = float(1 / std::sqrt(square + 1e-30));
  for (size_t i = 0; i < size; ++i) {
    const float z = g[i] * by;
    float& shadow = w.shadow[int64_t(i)];
    if (std::fabs(z) >= least) shadow = std::clamp(shadow - rate * z, -m.limit, m.limit);
  }
  efla_lm::project(m, w.shadow.data());
}

}  // namespace nibble::train
