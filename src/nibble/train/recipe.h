// A recipe: everything that decides what a run computes, apart from the text, the seed and the
// length. Read from recipes/<name>.json; `--set key=value` overrides a field by its path.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "nibble/models/efla_lm/config.h"

namespace nibble::train {

using efla_lm::WeightFormat;

enum class Arithmetic { product, origin };  // origin: the compatibility mode, with its own settings
enum class Estimator { activity, weight };
enum class HeadRule {
  noise,
  delta
};  // delta: softmax - one-hot for head and bias, a local derivative
// adam: by each weight's own moments. momentum: the mean gradient, of RMS 1 over the matrix.
// shadow: the gradient in units of its RMS over the matrix and over time, weights below z_threshold
// of it left alone.
enum class UpdateRule { adam, momentum, shadow };
inline constexpr int kFullRank = 0;
enum class Fitness { raw, clipped, sign, rank, zscore };

struct TrainRecipe {
  Estimator estimator = Estimator::activity;
  HeadRule head_rule = HeadRule::noise;
  // Of a lane's noise (weight only): a sum of so many outer products of signs; kFullRank, "full" in
  // a file: a sign of its own for every weight.
  int rank = 1;
  Fitness fitness = Fitness::raw;
  float fitness_clip = 0.1f;  // for Fitness::clipped, nats
  float zscore_clip = 3;      // for Fitness::zscore, deviations
  int lanes_embedding = 2;    // if it is trained
  int lanes_mixer = 2, lanes_ffn1 = 8, lanes_ffn2 = 4, lanes_head = 8;
  int lanes_joint = 0;  // so many lanes perturb all matrices at once whose own number is not 0;
                        // 0: a lane perturbs one matrix
  float sigma = 0.2f;
  float credit_decay = 0.9f;  // of later losses, for noise that reaches later tokens
  int credit_window = 0;  // losses that count, from the token's own on; 0: to the sequence's end
  int mixer_noise_every = 4;  // noise on one token in so many (activity only)
  int batch = 64;             // sequences per update: many small updates learn faster
  int grow = 0;               // doublings: so often the batch, small at first, grows to `batch`
  int seq = 32;               // bytes per sequence
  int carry = 1;              // windows of a text in a row whose contexts go on from one another
  float lr = 0.03f;
  float lr_end = 0.02f;    // share of lr at the end of the cosine
  float lr_mixer = 1.0f;   // multiplies lr
  float weight_decay = 0;  // times lr: the share that every update takes off all shadows
  float beta1 = 0.95f, beta2 = 0.99f;
  UpdateRule update = UpdateRule::adam;  // of the matrices; the head's bias is Adam's always
  float z_threshold = 0.25f;             // for UpdateRule::shadow
};

// For a fitness of the user's own (scored_learner.h).
struct ScoreRecipe {
  int pairs = 8;               // antithetic pairs of a population
  int texts = 2, bytes = 120;  // that each side of a pair writes, and their length
  float sigma = 0.1f;          // of the shadows
  float lr = 0.01f;
  float temperature = 0.8f;
  float nats_weight = 0;  // what a nat of loss on the training text takes off the score
};

// Settings of the compatibility mode (docs/origin.md); the other groups are not read there.
struct OriginRecipe {
  int hidden = 512, layers = 4, mlp_mult = 2;
  int batch = 32, seq = 128;  // sequences per update, bytes per sequence
  int pop = 2048;             // evaluations per update: half as many antithetic pairs
  bool adaptive_pop = true;   // half of them in the first 15% of a run, 3/4 until 35%
  int sigma_shift = 3, sigma_shift_end = 4;  // sigma = 2^-shift
  int clt_k = 4;                             // draws that are summed for a noise element; 0: plain
  float act_scale = 0.8f, mlp_act_scale = 1, ln_scale = 1;
  float residual_scale = 1, mlp_residual_scale = 1;
  float lr = 0.8f, lr_end = 0.05f;             // cosine
  float thresh = 0.008f, thresh_end = 0.008f;  // exponential; times sqrt(pairs)
  Fitness fitness = Fitness::rank;             // rank, zscore or sign
  float fitness_clip = 3;
};

// What a recipe has been seen to reach. Kept for readers; nothing that is computed depends on it.
struct Figure {
  std::string text;    // what it was trained on
  double seconds = 0;  // budget
  double rate = 0;     // updates a second that it was kept as; 0: kept by the clock
  int threads = 0;
  std::string machine;
  std::vector<uint64_t> seeds;
  std::vector<double> heldout_nats;  // of each seed, on the whole held-out part
  std::string commit;
};

struct Recipe {
  std::string name = "activity";
  Arithmetic arithmetic = Arithmetic::product;
  efla_lm::Config model;
  TrainRecipe train;
  ScoreRecipe score;
  OriginRecipe origin;
  std::vector<Figure> figures;
};

// JSON and back. Absent keys keep their defaults; an unknown key, a wrong type or a value out of
// range is an error that names the key and says what is allowed. `source` is named in errors.
Recipe parse_recipe(const std::string& json, const std::string& source);
// What a loss must not be quoted without: "activity estimator, noise head, ternary weights, EFLA
// mixer".
std::string label(const Recipe&);
std::string to_json(const Recipe&);  // all fields; parse_recipe(to_json(r)) == r

// "train.lr=0.01", "model.weights=int8": what `--set` takes.
void set_field(Recipe&, const std::string& assignment);

// A name (`<folder>/<name>.json`, the first folder that has it) or a path that ends in .json.
Recipe find_recipe(const std::string& name_or_path, std::span<const std::string> folders);
std::vector<std::string> recipe_names(std::span<const std::string> folders);

}  // namespace nibble::train
