// Contexts that go on from one window of the text to the next. Each sequence of a batch is a slot:
// train.carry windows that follow one another, from a random place on, then as many from another.
// Slots begin anew in different steps. Where a window lies is a function of the seed and the step;
// what the clean pass leaves at its end, the states of efla and the rows that token shifts read, is
// part of the learner's state. No noise reaches over that border, so no credit does.
#include <cstring>

#include "nibble/train/product_learner.h"
#include "nibble/train/product_worker.h"

namespace nibble::train {
namespace {

// Floats of a block's state of efla, for one sequence.
int64_t state_size(const efla_lm::Config& r) {
  return r.mixer ? int64_t(r.key_dim / r.heads) * r.hidden : 0;
}

// fn(data, bytes) for all that sequence s hands on: before its first token or, `end`, at its end.
template <class Fn>
void each_piece(const efla_lm::Config& r, Activations& a, int s, bool end, const Fn& fn) {
  for (Activations::Block& b : a.blocks) {
    fn(b.state.data() + s * state_size(r), size_t(state_size(r)) * sizeof(float));
    for (Inputs* in : {&b.mixer_in, &b.ffn_in})
      fn(in->data.data() + in->first(a.chunk, s) + int64_t(end ? a.chunk.length : 0) * in->width,
         size_t(in->gap) * size_t(in->width));
  }
}

}  // namespace

ProductLearner::Window ProductLearner::window_of(int64_t step, int64_t slot) const {
  const int64_t carry = recipe_.train.carry;
  const int64_t age = step + slot * carry / recipe_.train.batch;
  return {.run = age / carry, .nth = age % carry};
}

int64_t ProductLearner::carried_words() const {
  const efla_lm::Config& r = model_.shape;
  const int64_t rows = r.ffn_shift + (r.mixer ? r.mixer_shift : 0);
  return carries() ? r.blocks * (state_size(r) + rows * r.hidden / 4) : 0;
}

void ProductLearner::take_carried(Worker& w, int64_t step, int chunk) {
  const int64_t words = carried_words();
  for (int s = 0; s < w.clean.chunk.sequences && words > 0; ++s) {
    const int64_t slot = int64_t(chunk) * chunk_.sequences + s;
    int32_t* carried = carried_.data() + slot * words;
    if (window_of(step, slot).nth == 0) std::fill_n(carried, words, 0);
    for (Activations* a : {&w.clean, &w.lane}) {
      const auto* from = reinterpret_cast<const uint8_t*>(carried);
      each_piece(model_.shape, *a, s, false, [&](void* piece, size_t bytes) {
        if (bytes > 0) std::memcpy(piece, from, bytes);
        from += bytes;
      });
    }
  }
}

void ProductLearner::keep_carried(Worker& w, int chunk) {
  const int64_t words = carried_words();
  for (int s = 0; s < w.clean.chunk.sequences && words > 0; ++s) {
    const int64_t slot = int64_t(chunk) * chunk_.sequences + s;
    auto* to = reinterpret_cast<uint8_t*>(carried_.data() + slot * words);
    each_piece(model_.shape, w.clean, s, true, [&](const void* piece, size_t bytes) {
      if (bytes > 0) std::memcpy(to, piece, bytes);
      to += bytes;
    });
  }
}

// A slot's chunk is the same rank's in all steps, so no update reads what others carry. A
// checkpoint needs all slots: their bits are sums with zeros.
void ProductLearner::gather() {
  const int64_t words = carried_words();
  if (words == 0 || !ranks_) return;
  const Share own = share_of(ranks_, chunks());
  const auto at = [&](int64_t chunk) {
    return carried_.data() +
           std::min<int64_t>(recipe_.train.batch, chunk * chunk_.sequences) * words;
  };
  std::fill(carried_.data(), at(own.begin), 0);
  std::fill(at(own.end), carried_.data() + carried_.size(), 0);
  ranks_->sum({carried_.data(), size_t(carried_.size())});
}

}  // namespace nibble::train
