// The learner of the compatibility mode: models/efla_lm/origin.h trained by train/origin_es.h.
#pragma once
#include <memory>

#include "nibble/models/efla_lm/origin.h"
#include "nibble/train/learner.h"

namespace nibble::train {

efla_lm::OriginConfig origin_config(const OriginRecipe&);

// Reads recipe.origin. `symbols` must be 256: symbols are bytes here. A step is one update; its
// train_nats are of the updated model on the batch of the step. Windows longer than recipe.seq are
// cut to it: the model has positions for no more. Losses do not depend on the pool.
std::unique_ptr<Learner> make_origin_learner(const Recipe&, int symbols, uint64_t seed,
                                             const Machine&, Pool*);

// Mean nats per symbol of text[1..], each predicted from what precedes it in its window.
double origin_text_loss(efla_lm::OriginModel&, const efla_lm::OriginParameters&,
                        std::span<const uint8_t> text, int window, Pool*);

}  // namespace nibble::train
