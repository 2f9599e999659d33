// Fitness shaping: what the loss differences of a population become before they credit its noise.
//
//   raw      the difference itself
//   clipped  clamped to [-clip, clip]
//   sign     -1, 0 or +1
//   zscore   (d - mean) / (deviation + 1e-6), clamped to [-clip, clip]
//   rank     centred ranks, 2 rank / (n - 1) - 1 in [-1, 1]; equal differences share their mean
//   rank
//
// The population is all lanes of a matrix on one chunk of the batch: its members saw the same
// tokens or their neighbours, and it does not depend on threads. Sums run in order, in double.
#pragma once
#include <span>

#include "nibble/train/recipe.h"

namespace nibble::train {

void shape(Fitness, float clip, std::span<float> differences);

}  // namespace nibble::train
