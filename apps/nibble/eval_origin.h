// nibble eval --arithmetic origin: losses of one antithetic pair of the compatibility mode.
#pragma once
#include <string>

#include "command.h"
#include "nibble/train/recipe.h"

namespace nibble::app {

struct OriginEval {
  bool chosen = false;  // --arithmetic origin was given
  std::string pair;     // SEED:EPOCH:PAIR
  int sigma_shift = 3;
  train::OriginRecipe recipe;
};

// Declares --arithmetic and the flags that only make sense with it.
void add_origin_flags(CLI::App& command, OriginEval&);

// Loads the untrained model, takes the batch of SEED and EPOCH from the whole of `file`, and prints
// the losses without noise and with both signs of the pair's.
Exit eval_origin(const OriginEval&, const std::string& file, int threads, bool json);

}  // namespace nibble::app
