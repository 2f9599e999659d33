// What an update costs, from its recipe alone: the numerator of a share of the machine's roof.
#pragma once
#include <cstdint>

#include "nibble/models/efla_lm/model.h"
#include "nibble/train/recipe.h"

namespace nibble::train {

// Lanes that perturb a matrix of this stage.
int lanes_of(const TrainRecipe&, efla_lm::Stage);

// Integer multiplications and additions of one update's matrix products (a multiply-add is two):
// the clean pass, what each lane runs again, the gradient. Padding, noise and everything done in
// float count for nothing. `symbols` is the alphabet's size. Not for the compatibility mode.
int64_t integer_ops(const Recipe&, int symbols);

}  // namespace nibble::train
