// Private to the product learner: what one thread needs to work on a chunk.
#pragma once
#include "nibble/train/product_learner.h"

namespace nibble::train {

// Both factors of a matrix's gradient from some chunks, row after row, until there are enough for
// the sums to be worth fetching.
struct ProductLearner::Pending {
  Buffer<int8_t> x, z;  // [most][ld of its inputs], [most][n]
  int64_t rows = 0, most = 0;
};

struct ProductLearner::Worker {
  Worker(const Model& m, Chunk c, bool carry) : clean(m, c, carry), lane(m, c, carry) {
    lane.carry_out = false;  // all lanes begin where the clean pass did
  }

  Activations clean, lane;
  Buffer<uint8_t> symbols, targets;  // [rows]
  std::vector<int64_t> noise_at;     // per matrix: where its bits begin, lane after lane
  Buffer<uint16_t> noise;            // per lane [rows][n / 16]
  Buffer<float> differences;         // [lanes of a matrix][rows]: loss of the lane - clean loss
  Buffer<int32_t> credit_own, credit_later;  // [lanes][rows]: the token's, and with later tokens'
  Buffer<int32_t> steps;                     // of rank-1 noise, [parts][rows]
  Buffer<int32_t> perturbed;                 // sums with all parts of the noise but the last
  std::vector<Pending> pending;              // per matrix
  Buffer<int8_t> work;                       // of credit_outer
  Buffer<uint32_t> dither;                   // of the delta rule
  Buffer<int64_t> magnitude;                 // per matrix, since the last update
  int64_t loss = 0;                          // in steps of 2^-30 nats, since the last update
};

// Sums of losses are integers, so that no order of addition shows.
inline constexpr double kLossUnit = 1 << 30;

}  // namespace nibble::train
