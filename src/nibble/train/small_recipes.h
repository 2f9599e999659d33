// For tests of the product learner: a text with a structure that is known, and small recipes.
#pragma once
#include <vector>

#include "nibble/base/random.h"
#include "nibble/train/recipe.h"

namespace nibble::train::small {

// Text of a second-order Markov source: each pair of symbols has two successors.
inline std::vector<uint8_t> markov_text(int size, int symbols) {
  Random rng(7);
  std::vector<uint8_t> text = {0, 1};
  while (int(text.size()) < size) {
    const int a = text[text.size() - 2], b = text.back();
    Random pair(11, uint64_t(a * symbols + b));
    const auto first = uint8_t(pair.below(uint64_t(symbols)));
    const auto second = uint8_t(pair.below(uint64_t(symbols)));
    text.push_back(rng.below(4) == 0 ? second : first);
  }
  return text;
}

// For one block: 4 sequences a chunk. Wide enough to learn.
inline Recipe one_block() {
  Recipe r;
  r.model.hidden = 64, r.model.ffn = 64, r.model.heads = 2, r.model.key_dim = 32;
  r.train.batch = 12, r.train.seq = 16;
  return r;
}

inline Recipe two_blocks() {
  Recipe r = one_block();
  r.model.blocks = 2, r.model.ffn_shift = 2;
  r.train.lanes_mixer = 1, r.train.lanes_ffn1 = r.train.lanes_ffn2 = 2, r.train.lanes_head = 3;
  r.train.batch = 10;  // the last chunk is not full
  return r;
}

// The same, small enough for portable code under an emulator.
inline Recipe tiny(Recipe r) {
  r.model.hidden = 32, r.model.ffn = 32, r.model.key_dim = 16;
  return r;
}

}  // namespace nibble::train::small
