// Training by a fitness of the user's own: a function scores texts that the model writes, and
// nothing else is known of it; it needs no gradient.
//
// Evolution in weight space. A pair p moves all shadows (and the head's bias) by +-sigma E_p, E_p
// signs from the seed; both sides write `texts` texts of `bytes` bytes after the same prompts
// (taken from the training text) with the same luck. The fitness of a side is the mean score of its
// texts, less nats_weight times the loss of as many bytes of the training text: what keeps the
// language while the score is learnt. Differences of pairs are shaped by train.fitness; their sum
// over E_p is the gradient of an Adam step with score.lr, train.lr_end and the betas of train.
//
// All texts of an update are scored in one call, in an order that does not depend on threads; if
// the function is one of the texts alone, so are the weights, and a run resumes to the same bits.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "nibble/train/learner.h"
#include "nibble/train/text.h"

namespace nibble::train {

// A score for each text, greater is better. May throw nibble::Error.
using Scorer = std::function<std::vector<double>(std::span<const Bytes>)>;

std::unique_ptr<Learner> make_scored_learner(const Recipe&, const Alphabet&, uint64_t seed,
                                             const Machine&, Pool*, Scorer);

// Scores of texts that a learner of this recipe writes as it stands, with the luck of `seed`.
std::vector<double> scores_of(const Recipe&, const Alphabet&, std::span<const StateTensor> weights,
                              std::span<const uint8_t> text, uint64_t seed, int texts,
                              const Machine&, const Scorer&);

}  // namespace nibble::train
