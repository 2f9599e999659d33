// For tests: an order-1 model that counts, with everything that makes resuming hard. Its state is
// the sum over all steps, decayed and rounded at each of them, of batches chosen by (seed, step)
// and weighted by the progress, so a lost, repeated or misplaced step changes the final bits.
#pragma once
#include <chrono>
#include <cmath>
#include <thread>

#include "nibble/base/random.h"
#include "nibble/runtime/error.h"
#include "nibble/train/learner.h"

namespace nibble::train::toy {

class ToyLearner : public Learner {
 public:
  ToyLearner(const Recipe& recipe, int symbols, uint64_t seed)
      : recipe_(recipe), n_(symbols), seed_(seed) {
    const size_t cells = size_t(n_) * size_t(n_);
    counts_.assign(cells, 0.1f), moment_.assign(cells, 0), sign_.assign(cells, 0);
  }

  StepResult step(std::span<const uint8_t> text, int64_t step, double progress) override {
    Random random(seed_, uint64_t(step));
    const float rate = float(1 - 0.9 * progress);
    const int batch = recipe_.train.batch, seq = recipe_.train.seq;
    double nats = 0;
    for (int b = 0; b < batch; ++b) {
      const size_t at = random.below(text.size() - size_t(seq));
      nats += loss(text.subspan(at, size_t(seq) + 1), seq);
      for (int i = 0; i < seq; ++i) {
        const size_t cell = size_t(text[at + i]) * size_t(n_) + text[at + i + 1];
        moment_[cell] = 0.9f * moment_[cell] + rate;
        counts_[cell] += moment_[cell];
        sign_[cell] = counts_[cell] > 3 ? 1 : -1;
      }
    }
    for (float& c : counts_) c *= 0.99999f;
    if (pause_) std::this_thread::sleep_for(std::chrono::microseconds(pause_));
    const int64_t tokens = int64_t(batch) * seq;
    return {.train_nats = nats / batch, .data_tokens = tokens, .lane_tokens = 3 * tokens};
  }

  double loss(std::span<const uint8_t> text, int) const override {
    double nats = 0;
    for (size_t i = 1; i < text.size(); ++i) {
      const float* row = &counts_[size_t(text[i - 1]) * size_t(n_)];
      double sum = 0;
      for (int j = 0; j < n_; ++j) sum += double(row[j]);
      nats -= std::log(double(row[text[i]]) / sum);
    }
    return nats / double(text.size() - 1);
  }

  std::vector<LayerHealth> health(std::span<const uint8_t>) const override {
    return {{.layer = "table", .zero_increments = 0.25, .saturated = 0, .mean_beta = 0.5}};
  }
  int64_t parameters() const override { return int64_t(counts_.size()); }
  std::vector<StateTensor> state() override {
    return {{"table.counts", DType::f32, {n_, n_}, counts_.data()},
            {"table.moment", DType::f32, {n_, n_}, moment_.data()},
            {"table.sign", DType::i8, {n_, n_}, sign_.data()}};
  }
  void restored() override {}
  void share(Communicator*) override {}  // every rank does all of it

  void pause_microseconds(int us) { pause_ = us; }  // to be killed in time

 private:
  Recipe recipe_;
  int n_;
  uint64_t seed_;
  int pause_ = 0;
  std::vector<float> counts_, moment_;
  std::vector<int8_t> sign_;
};

inline std::unique_ptr<Learner> make(const Recipe& r, int symbols, uint64_t seed, const Machine&,
                                     Pool*) {
  return std::make_unique<ToyLearner>(r, symbols, seed);
}

}  // namespace nibble::train::toy
