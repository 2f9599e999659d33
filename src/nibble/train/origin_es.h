// The evolution strategy of the compatibility mode, without a model: seeds, batches, schedules,
// shaping and the update. Golden values fix it (docs/origin.md).
//
// An update evaluates P antithetic pairs on one batch: noise of pair p from its own seed, losses
// with signs + and -, fitness f_p = loss(-) - loss(+). Fitness is shaped into weights w_p, and each
// tensor moves along sum_p w_p E_p, regenerated from the seeds (ops/shadow_update).
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "nibble/base/op.h"
#include "nibble/train/recipe.h"
#include "nibble/train/text.h"

namespace nibble::train {

uint64_t origin_pair_seed(uint64_t seed, uint64_t epoch, uint64_t pair);

struct OriginBatch {
  Bytes tokens, targets;  // [batch][seq]; a target is the byte behind its token
};
// The start of each sequence is a draw of splitmix64(seed) modulo text.size() - seq - 1.
OriginBatch origin_batch(std::span<const uint8_t> text, uint64_t seed, int batch, int seq);

struct OriginRates {
  float lr = 0;
  float threshold = 0;  // of |g|: thresh * sqrt(pairs)
  int sigma_shift = 0;
  int pairs = 0;
};
// `progress` in [0, 1]: cosine for lr, exponential for thresh and sigma_shift, which is then
// rounded.
OriginRates origin_rates(const OriginRecipe&, double progress);

// Weights of exactly these pairs. rank: their centred ranks, equal fitness in the order of the
// pairs; zscore: their values; both with mean 0 and variance 1, then clamped to +-clip. sign: -1, 0
// or 1. Throws for the other kinds, which the compatibility mode does not know.
std::vector<float> origin_shape(Fitness, float clip, std::span<const double> fitness);

// A tensor that an update moves: a matrix with its float shadow and its ternary copy, or a vector,
// which is its own shadow.
struct OriginTarget {
  uint64_t salt = 0;
  int64_t size = 0;
  float* shadow = nullptr;
  int8_t* ternary = nullptr;  // null: a vector
  float* ema = nullptr;       // moving mean square of its direction; 0 before the first update
};

class OriginUpdate {
 public:
  OriginUpdate(int clt_k, const Machine& machine) : clt_k_(clt_k), machine_(machine) {}
  void apply(const OriginTarget&, const OriginRates&, std::span<const uint64_t> pair_seeds,
             std::span<const float> weights, Pool*);

 private:
  int clt_k_;
  Machine machine_;
  std::vector<uint64_t> seeds_;
  std::vector<float> z_, squares_;
};

}  // namespace nibble::train
