#include "nibble/train/learner.h"

#include "nibble/train/origin.h"
#include "nibble/train/product_learner.h"

namespace nibble::train {

std::unique_ptr<Learner> make_learner(const Recipe& recipe, int symbols, uint64_t seed,
                                      const Machine& machine, Pool* pool) {
  if (recipe.arithmetic == Arithmetic::origin)
    return make_origin_learner(recipe, symbols, seed, machine, pool);
  return std::make_unique<ProductLearner>(recipe, symbols, seed, machine, pool);
}

}  // namespace nibble::train
