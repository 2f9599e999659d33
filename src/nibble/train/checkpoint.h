// A checkpoint: one safetensors file with every tensor of a learner's state under its own name, and
// in its metadata where the run stood and a hash over all of that, so that damage is found.
//
// Where the model's weights are ternary, each shadow "x.shadow" is accompanied by "x.int2": the
// weights that it projects to, as rows of two-bit codes (numerics/ternary.h), padded to whole
// bytes; where they are bf16, by "x.bf16" of the shadow's shape. Inference reads those and leaves
// the training state unread.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "nibble/models/efla_lm/config.h"
#include "nibble/train/learner.h"
#include "nibble/train/schedule.h"

namespace nibble::train {

struct Mark {
  int64_t step = 0;
  double seconds = 0;
  int64_t tokens = 0, lane_tokens = 0;
  double heldout_nats = 0;  // of the held-out sample, at the last record
  Horizon horizon;
};

// Tensors that own their memory.
struct OwnedTensors {
  std::vector<StateTensor> tensors;
  std::vector<std::vector<uint8_t>> storage;
};

void write_checkpoint(const std::string& path, std::span<const StateTensor>, const Mark&,
                      efla_lm::WeightFormat);

// Of the bytes of all tensors: equal on ranks that have not drifted apart.
uint64_t hash_of(std::span<const StateTensor>);

Mark read_mark(const std::string& path);  // tensors unread

// Into the learner's tensors; names, types and shapes must be the same on both sides.
Mark restore(Learner&, const std::string& path);

// The weights alone: moments and what else an optimiser keeps stay as they are.
void restore_weights(Learner&, const std::string& path);

// What make_generator needs: without the moments, and ternary or bf16 weights as floats in place of
// their shadows, which project to the same weights.
OwnedTensors read_weights(const std::string& path);

}  // namespace nibble::train
