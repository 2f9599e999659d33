// The learning machine: a model, its optimiser state and its estimator. It owns no files, prints
// nothing and knows no clock; train/loop.h drives it.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nibble/base/op.h"
#include "nibble/runtime/communicator.h"
#include "nibble/runtime/state_tensor.h"
#include "nibble/train/recipe.h"

namespace nibble::train {

struct StepResult {
  double train_nats = 0;        // mean clean loss of the batch, nats per symbol
  int64_t data_tokens = 0;      // tokens of the clean pass
  int64_t lane_tokens = 0;      // data_tokens * (1 + lanes)
  std::optional<double> score;  // of a fitness of the user's own: the mean over the population
};

struct LayerHealth {
  std::string layer;           // "block0.mixer", "block0.ffn"
  double zero_increments = 0;  // share of residual increments that rounded to zero
  double saturated = 0;        // share of residual entries at +-127 after the layer
  double mean_beta = -1;       // mean write strength of the mixer; -1 where there is none
};

struct MatrixHealth {
  std::string matrix;           // "block0.ffn1"
  double flips = -1;            // share of its weights that another look at it finds changed
  double signal_to_noise = -1;  // energy of its gradient's estimate: what lasts / what does not
};                              // -1: not known

class Learner {
 public:
  virtual ~Learner() = default;

  // One update. `text` is the training part as symbols; the batch is chosen by (seed, step), so a
  // resumed run sees the same batches. `progress` in [0, 1] positions the learning-rate schedule.
  virtual StepResult step(std::span<const uint8_t> text, int64_t step, double progress) = 0;

  // Mean nats per symbol of text[1..], each predicted from what precedes it, context reset every
  // `window` symbols. Exact for any number of threads.
  virtual double loss(std::span<const uint8_t> text, int window = 128) const = 0;

  // From now on step() and loss() are collective calls over these ranks, whose learners are equal
  // and stay so: each rank does its share, and all have the result that one alone would have.
  virtual void share(Communicator*) = 0;

  virtual std::vector<LayerHealth> health(std::span<const uint8_t> text) const = 0;
  // Looks at the matrices; flips are counted from the look before, which is not part of the state.
  virtual std::vector<MatrixHealth> look_at_matrices() { return {}; }
  virtual int64_t parameters() const = 0;

  // Collective, before state() is read among ranks: fetches what each rank keeps of its share
  // alone.
  virtual void gather() {}
  // All that a bit-exact resume needs; writing into the tensors and calling restored() loads it.
  virtual std::vector<StateTensor> state() = 0;
  virtual void restored() = 0;
};

// `symbols` is the alphabet's size. Throws nibble::Error for a recipe that cannot be built.
std::unique_ptr<Learner> make_learner(const Recipe&, int symbols, uint64_t seed, const Machine&,
                                      Pool*);

}  // namespace nibble::train
