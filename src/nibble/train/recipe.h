// A recipe: everything that decides what a run computes, apart from the text, the seed and the
// length. Read from recipes/<name>.json; `--set key=value` overrides a field by its path.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace nibble::train {

enum class Arithmetic { product, origin };  // origin: the compatibility mode, with its own settings
enum class Estimator { activity, weight };
enum class WeightFormat { ternary, int8 };
enum class HeadRule {
  noise,
  delta
};  // delta: softmax - one-hot for head and bias, a local derivative
enum class Fitness { raw, clipped, sign, rank, zscore };

struct ModelRecipe {
  int hidden = 128;
  int ffn = 256;
  int ffn_shift = 1;  // the FFN reads the normed tokens t - shift .. t
  int blocks = 1;
  bool mixer = true;  // EFLA before the FFN
  int mixer_shift = 1;
  int heads = 4;
  int key_dim = 64;          // of all heads together; the value width is `hidden`
  float mixer_scale = 0.3f;  // what the normed mixer output is multiplied by before the residual
  float head_scale = 1.0f;   // of the logits, beside 1 / sqrt(0.67 hidden)
  WeightFormat weights = WeightFormat::ternary;
};

struct TrainRecipe {
  Estimator estimator = Estimator::activity;
  HeadRule head_rule = HeadRule::noise;
  Fitness fitness = Fitness::raw;
  float fitness_clip = 0.1f;  // for Fitness::clipped
  int lanes_mixer = 2, lanes_ffn1 = 8, lanes_ffn2 = 4, lanes_head = 8;
  float sigma = 0.2f;
  float credit_decay = 0.9f;  // of later losses, for noise that reaches later tokens
  int mixer_noise_every = 4;  // noise on one token in so many (activity only)
  int batch = 128;            // sequences per update
  int seq = 32;               // bytes per sequence
  float lr = 0.03f;
  float lr_end = 0.02f;   // share of lr at the end of the cosine
  float lr_mixer = 1.0f;  // multiplies lr
  float beta1 = 0.95f, beta2 = 0.99f;
};

struct Recipe {
  std::string name = "activity";
  Arithmetic arithmetic = Arithmetic::product;
  ModelRecipe model;
  TrainRecipe train;
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
