#include "nibble/train/origin_es.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "nibble/numerics/ternary_hash.h"
#include "nibble/ops/shadow_update/shadow_update.h"
#include "nibble/runtime/error.h"

namespace nibble::train {
namespace {

// start (end / start)^u; linear where a value is not positive.
double exponential(double start, double end, double u) {
  if (start <= 0 || end <= 0) return start + (end - start) * u;
  return start * std::pow(end / start, u);
}

// Mean 0 and variance 1, the deviation kept off zero, within +-clip.
std::vector<float> standardised(std::span<const double> v, float clip) {
  double mean = 0, square = 0;
  for (double x : v) mean += x / double(v.size());
  for (double x : v) square += (x - mean) * (x - mean) / double(v.size());
  std::vector<float> out;
  for (double x : v)
    out.push_back(std::clamp(float((x - mean) / (std::sqrt(square) + 1e-6)), -clip, clip));
  return out;
}

}  // namespace

uint64_t origin_pair_seed(uint64_t seed, uint64_t epoch, uint64_t pair) {
  return mix64(seed, mix64(epoch, pair));
}

OriginBatch origin_batch(std::span<const uint8_t> text, uint64_t seed, int batch, int seq) {
  if (text.size() < size_t(seq) + 2)
    throw Error("origin: sequences of " + std::to_string(seq) + " bytes need a text of at least " +
                std::to_string(seq + 2) + " bytes, not " + std::to_string(text.size()));
  OriginBatch b;
  for (int s = 0; s < batch; ++s) {
    const auto from = text.begin() + ptrdiff_t(splitmix64(seed) % (text.size() - size_t(seq) - 1));
    b.tokens.insert(b.tokens.end(), from, from + seq);
    b.targets.insert(b.targets.end(), from + 1, from + seq + 1);
  }
  return b;
}

OriginRates origin_rates(const OriginRecipe& r, double u) {
  constexpr double kPi = 3.14159265358979323846;
  int pop = r.pop;
  if (r.adaptive_pop && u < 0.15)
    pop = r.pop / 2;
  else if (r.adaptive_pop && u < 0.35)
    pop = int(int64_t(r.pop) * 3 / 4);
  OriginRates now;
  now.pairs = std::max(2, pop / 2);  // one pair alone has no rank
  now.lr = float(r.lr + (double(r.lr_end) - r.lr) * 0.5 * (1 - std::cos(kPi * u)));
  now.threshold = float(exponential(r.thresh, r.thresh_end, u) * std::sqrt(double(now.pairs)));
  now.sigma_shift = int(std::lround(exponential(r.sigma_shift, r.sigma_shift_end, u)));
  return now;
}

std::vector<float> origin_shape(Fitness kind, float clip, std::span<const double> fitness) {
  if (kind == Fitness::zscore) return standardised(fitness, clip);
  if (kind == Fitness::sign) {
    std::vector<float> out;
    for (double f : fitness) out.push_back(f > 0 ? 1.0f : f < 0 ? -1.0f : 0.0f);
    return out;
  }
  if (kind != Fitness::rank) throw Error("origin: fitness must be rank, zscore or sign");
  std::vector<size_t> order(fitness.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return fitness[a] < fitness[b]; });
  std::vector<double> centred(fitness.size());
  for (size_t rank = 0; rank < order.size(); ++rank)
    centred[order[rank]] = double(rank) / double(order.size() - 1) - 0.5;
  return standardised(centred, clip);
}

void OriginUpdate::apply(const OriginTarget& t, const OriginRates& rates,
                         std::span<const uint64_t> pair_seeds, std::span<const float> weights,
                         Pool* pool) {
  seeds_.clear();
  for (uint64_t s : pair_seeds) seeds_.push_back(mix64(s, t.salt));
  z_.resize(std::max(z_.size(), size_t(t.size)));
  squares_.resize(std::max(squares_.size(), size_t(shadow_update::pieces(t.size))));
  throw_if(run<shadow_update::Op>(
      {.n = t.size,
       .pairs = int(weights.size()),
       .terms = clt_k_,
       .rms = t.ternary ? shadow_update::Rms::inside : shadow_update::Rms::outside,
       .lr = rates.lr,
       .threshold = rates.threshold,
       .ternary = t.ternary ? shadow_update::Ternary::bytes : shadow_update::Ternary::none,
       .seed = seeds_.data(),
       .weight = weights.data(),
       .ema = t.ema,
       .shadow = t.shadow,
       .w = t.ternary,
       .z = z_.data(),
       .squares = squares_.data()},
      machine_, {.pool = pool}));
}

}  // namespace nibble::train
