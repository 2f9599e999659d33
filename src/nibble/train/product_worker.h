// Private to the product learner: what one thread needs to work on a chunk.
#pragma once
#include "nibble/train/product_learner.h"

namespace nibble::train {

struct ProductLearner::Worker {
  Worker(const Model& m, Chunk c) : clean(m, c, false), lane(m, c, false) {}

  Activations clean, lane;
  Buffer<uint8_t> symbols, targets;  // [rows]
  std::vector<int64_t> noise_at;     // per matrix: where its bits begin, lane after lane
  Buffer<uint16_t> noise;            // per lane [rows][n / 16]
  Buffer<float> differences;         // [lanes of a matrix][rows]: loss of the lane - clean loss
  Buffer<int32_t> credit_own, credit_later;  // [lanes][rows]: the token's, and with later tokens'
  Buffer<int8_t> z, work;                    // of credit_outer
  Buffer<int8_t> signs;     // of the weight estimator: noise of the inputs, [lanes * sequences][k]
  Buffer<uint32_t> dither;  // of the delta rule
  Buffer<int64_t> magnitude;  // per matrix, since the last update
  int64_t loss = 0;           // in steps of 2^-30 nats, since the last update
};

// Sums of losses are integers, so that no order of addition shows.
inline constexpr double kLossUnit = 1 << 30;

}  // namespace nibble::train
