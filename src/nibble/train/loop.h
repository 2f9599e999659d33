// Training: steps of a learner from where a run stands to its end, with records and checkpoints.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "nibble/train/learner.h"
#include "nibble/train/run.h"

namespace nibble::train {

using LearnerFactory = std::function<std::unique_ptr<Learner>(
    const Recipe&, int symbols, uint64_t seed, const Machine&, Pool*)>;

struct Progress {
  int64_t step = 0;
  int64_t steps = 0;         // the present horizon, 0: not known yet
  double seconds = 0;        // of training, resumes added up
  double seconds_left = -1;  // -1: not known yet
  double train_nats = 0;     // of the last step, nats per symbol
  double heldout_nats = 0;   // of the last record
  bool validated = false;    // on the validation part
  std::optional<double> score;
  double lane_tokens_per_second = 0;
  bool recorded = false;  // a record was written just now
};

struct TrainOptions {
  LearnerFactory make;  // make_learner, but for tests
  Machine machine;
  Pool* pool = nullptr;
  const std::atomic<bool>* interrupted = nullptr;  // set: save after this step
  std::function<void(const Progress&)> report;     // after every step
  std::function<double()> clock;                   // seconds from any start; empty: steady clock
  int keep = 3;                                    // checkpoints besides the best
  // Processes that train together, each with a learner, a pool and a Run of its own: rank 0 has the
  // lock and writes, the others opened the run for reading. Any number of them gives the same run.
  Communicator* ranks = nullptr;
  int64_t check_every = 50;  // steps between comparisons of their weights
  // Horizons to follow instead of measuring, as Run::metrics() gives them: repeats a timed run.
  std::vector<Horizon> replay;
};

struct Outcome {
  bool interrupted = false;  // else the run has reached its end
  int64_t step = 0;
  double seconds = 0;
  // Of the whole held-out part; if interrupted, of its sample at the last record.
  double heldout_nats = 0;
};

// Continues from the last checkpoint, or from the beginning if there is none. The weights after a
// number of steps depend on the config and the recorded horizons alone: not on threads,
// interruptions or the clock. (Which step first reaches a target depends on when records are made.)
Outcome train(Run&, const TrainOptions&);

// Mean nats per byte of text[1..] under a learner, unseen bytes paid for (Alphabet). The context
// begins anew after each window.
inline constexpr int kWindow = 128;
// Where training carries contexts: what carrying them this far while scoring is worth.
inline constexpr int kCarriedWindow = 4096;
double heldout_nats(const Learner&, const Alphabet&, std::span<const uint8_t> text,
                    int window = kWindow);

// Throws if the training part is shorter than the stretches that the recipe reads.
void require_length(const Recipe&, int64_t training_bytes);

// The learner of a checkpoint of `run`; make as in TrainOptions.
std::unique_ptr<Learner> load_learner(const Run& run, int64_t step, const LearnerFactory& make,
                                      const Machine&, Pool*);

}  // namespace nibble::train
