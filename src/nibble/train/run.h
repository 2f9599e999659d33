// A run is a directory:
//
//   config.json                     what decides its result: recipe, seed, length, texts
//   metrics.jsonl                   an object a line: records, horizons, resumes, the end
//   metrics.csv, events.out.tfevents.nibble    copies of its records (metrics_copies.h)
//   checkpoints/step-N.safetensors  the learner's state after N steps: the last few and the best
//   lock                            held while a process trains; a killed one cannot leave it
//
// What is written is complete before it has its name, so a process may die at any moment.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "nibble/runtime/files.h"
#include "nibble/train/checkpoint.h"
#include "nibble/train/recipe.h"
#include "nibble/train/text.h"

namespace nibble::train {

struct RunConfig {
  Recipe recipe;
  uint64_t seed = 1;
  int64_t steps = 0;             // the length: either in steps
  double seconds = 0;            // or in seconds of training time, resumes added up
  double target_nats = 0;        // stop when the held-out loss is not above it; 0: no target
  int64_t checkpoint_every = 0;  // steps; 0: by time
  double validation_share = 0;   // of the text, for a validation part beside the held-out one
  std::vector<TextFile> data;
  std::vector<TextFile> valid;
  std::string from;  // a checkpoint whose weights the run begins with; empty: random ones
  std::string fitness_command;  // a program that scores texts; empty: the loss is the fitness
  std::string alphabet;         // Alphabet::hex()
};

// label(recipe), unless the fitness is the user's own.
std::string label(const RunConfig&);
std::string to_json(const RunConfig&);
RunConfig parse_config(const std::string& json, const std::string& source);

// The texts of a run, read again and refused if they are not what the run began with.
Corpus reread_corpus(const RunConfig&);

// A line of metrics.jsonl that carries losses. Means of the steps since the record before it.
struct Record {
  int64_t step = 0;
  double seconds = 0;
  int64_t tokens = 0, lane_tokens = 0;  // since the run began
  double train_nats = 0;                // 0 in record 0
  double heldout_nats = 0;  // per byte of a sample of the validation part if there is one, else of
                            // the held-out part
  double lane_tokens_per_second = 0;
  std::optional<double> score;  // as in StepResult
  std::vector<LayerHealth> health;
  std::vector<MatrixHealth> matrices;
};

// Over the layers and matrices of a record; -1: not known.
struct Means {
  double dead = -1, saturated = -1, flips = -1, signal_to_noise = -1;
};
Means means(const Record&);

struct RunEnd {
  std::string why;  // "steps", "seconds" or "target"
  int64_t step = 0;
  double heldout_nats = 0;  // of the whole held-out part
  int64_t heldout_bytes = 0;
  std::optional<double> validation_nats;  // of the whole validation part
  std::optional<double> carried_nats;     // of the held-out part in contexts of kCarriedWindow
};

struct Metrics {
  std::vector<Record> records;
  std::vector<Horizon> horizons;
  std::vector<LayerHealth> health;                  // of the untrained model
  std::optional<std::array<double, 3>> ngram_nats;  // of the held-out part, orders 0, 1, 2
  std::optional<RunEnd> end;
};

// In one write, so that a kill can cut only the end of `text` off.
void append_file(const std::string& path, const std::string& text);

class Run {
 public:
  // Makes the directory, which must not exist or be empty, writes the config and takes the lock.
  static Run create(const std::string& path, const RunConfig&);
  // Takes the lock of an existing run; refused while another process holds it.
  static Run resume(const std::string& path);
  // For reading only: no lock.
  static Run open(const std::string& path);

  const std::string& path() const { return path_; }
  const RunConfig& config() const { return config_; }

  std::vector<Mark> checkpoints() const;  // ascending steps
  // "last", "best" (the least held-out loss) or a number of steps.
  Mark checkpoint(const std::string& which) const;
  std::string checkpoint_path(int64_t step) const;
  // Writes one and removes those that are neither among the last `keep` nor the best.
  void save(std::span<const StateTensor>, const Mark&, int keep);

  Metrics metrics() const;  // a line that a killed process left unfinished is not there
  // Drops what was written after `step` and what is unfinished.
  void rewind_metrics(int64_t step);
  void append(const Record&);
  void append(const Horizon&);
  void append(const RunEnd&);
  void append(const std::array<double, 3>& ngram_nats);

 private:
  Run(std::string path, RunConfig, std::optional<FolderLock>);
  void append_line(const std::string&);

  std::string path_;
  RunConfig config_;
  std::optional<FolderLock> lock_;
};

}  // namespace nibble::train
