// The product learner among ranks: each estimates from its share of the batch's chunks, then all
// make the same update from sums over all of them.
//
// activity: the sums are the gradients, int32 that cannot overflow (credit_outer::kMaxTokens).
// weight:   the sums are credits, one int32 per lane and sequence, to which each rank contributes
//           its own; every rank rebuilds all noise from the seed and the gradients from both.
#include "nibble/train/product_learner.h"
#include "nibble/train/product_worker.h"

namespace nibble::train {

void ProductLearner::share(Communicator* ranks) { ranks_ = size_of(ranks) > 1 ? ranks : nullptr; }

Chunk ProductLearner::shape_of(int chunk) const {
  const TrainRecipe& r = recipe_.train;
  return {std::min(chunk_.sequences, batch_ - chunk * chunk_.sequences), r.seq};
}

// Adds up what this rank's threads and then what all ranks have, into the first of the parts.
void ProductLearner::sum_parts(int32_t* parts, int64_t size) {
  const auto count = int64_t(workers_.size());
  parallel_for(pool_, size, 1 << 14, [&](int64_t begin, int64_t end) {
    for (int64_t p = 1; p < count; ++p)
      for (int64_t i = begin; i < end; ++i)
        parts[i] += parts[p * size + i], parts[p * size + i] = 0;
  });
  ranks_->sum(std::span(parts, size_t(size)));
}

void ProductLearner::rebuild(std::span<const uint8_t> text, int64_t step) {
  parallel_tasks(pool_, chunks(), [&](int64_t chunk, int worker) {
    Worker& w = *workers_[size_t(worker)];
    w.clean.reshape(shape_of(int(chunk)));
    if (model_.embeds()) sample(w, text, step, int(chunk));
    for (size_t i = 0; i < trained_.size(); ++i) {
      if (trained_[i].lanes == 0) continue;
      noise(w, model_.matrices[i], step, int(chunk));
      collect_by_weight(w, i, worker, int(chunk));
    }
  });
  multiply_all();
}

void ProductLearner::sum_over_ranks(std::span<const uint8_t> text, int64_t step) {
  // The loss, and of each matrix the magnitude of its z.
  std::vector<int64_t> totals(1 + trained_.size());
  for (auto& w : workers_) {
    totals[0] += w->loss, w->loss = 0;
    for (size_t i = 0; i < trained_.size(); ++i)
      totals[1 + i] += w->magnitude[int64_t(i)], w->magnitude[int64_t(i)] = 0;
  }
  ranks_->sum(totals);
  workers_[0]->loss = totals[0];
  for (size_t i = 0; i < trained_.size(); ++i) workers_[0]->magnitude[int64_t(i)] = totals[1 + i];

  if (by_weight()) {
    ranks_->sum({weight_credits_.data(), size_t(weight_credits_.size())});
    rebuild(text, step);
    std::fill(weight_credits_.begin(), weight_credits_.end(), 0);
  }
  const bool delta = recipe_.train.head_rule == HeadRule::delta;
  for (size_t i = 0; i < trained_.size(); ++i) {
    const Matrix& m = model_.matrices[i];
    const bool exact = m.stage == Stage::head && delta;
    if (exact || (trained_[i].lanes > 0 && !by_weight()))
      sum_parts(trained_[i].grad.data(), m.size());
    if (exact || (m.stage == Stage::head && !by_weight())) sum_parts(bias_grad_.data(), m.n);
  }
}

}  // namespace nibble::train
