#include "nibble/train/scored_learner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "nibble/base/random.h"
#include "nibble/models/efla_lm/generator.h"
#include "nibble/models/efla_lm/model.h"
#include "nibble/numerics/elementary.h"
#include "nibble/runtime/error.h"
#include "nibble/train/fitness.h"
#include "nibble/train/schedule.h"

namespace nibble::train {
namespace {

constexpr uint64_t kNoiseStream = uint64_t(0x73636f72) << 32;  // "scor"
constexpr uint64_t kLuckStream = uint64_t(0x6c75636b) << 32;   // "luck"
constexpr int kPrompt = 16;                                    // symbols of the training text

// exp(x) for x <= 0 in every bit the same on all machines.
double weight_of(float logit, float greatest, float temperature) {
  return double(math::exp((logit - greatest) / temperature));
}

// Never the escape: it stands for bytes that the model has not seen.
int pick(std::span<const float> logits, float temperature, Random& luck) {
  const float greatest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float l : logits) sum += weight_of(l, greatest, temperature);
  double left = double(luck.next64() >> 11) * 0x1p-53 * sum;
  for (size_t i = 0; i < logits.size(); ++i)
    if ((left -= weight_of(logits[i], greatest, temperature)) < 0) return int(i);
  return int(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

double nats_of(std::span<const float> logits, uint8_t symbol) {
  const float greatest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float l : logits) sum += weight_of(l, greatest, 1);
  return double(math::log(float(sum))) - double(logits[symbol] - greatest);
}

struct Written {
  std::vector<Bytes> texts;
  double nats = 0;  // mean over the training text that was read
};

// `luck` names the prompts and the draws; equal for all members of a population.
Written write(efla_lm::Generator& model, const ScoreRecipe& r, const Alphabet& alphabet,
              std::span<const uint8_t> text, uint64_t seed, uint64_t luck, int texts) {
  Written w;
  const auto begin_of = [&](int i, int length) {
    Random place(seed ^ kLuckStream, luck << 8 | uint64_t(i));
    return text.subspan(size_t(place.below(text.size() - size_t(length))), size_t(length));
  };
  for (int i = 0; i < texts; ++i) {
    model.reset();
    std::span<const float> logits;
    for (const uint8_t symbol : begin_of(i, kPrompt)) logits = model.feed(symbol);
    Random draw(seed ^ kLuckStream, luck << 8 | uint64_t(i) | uint64_t(1) << 63);
    Bytes& written = w.texts.emplace_back();
    for (int b = 0; b < r.bytes; ++b) {
      const int symbol = pick(logits.first(size_t(alphabet.seen())), r.temperature, draw);
      written.push_back(alphabet.byte(symbol));
      logits = model.feed(uint8_t(symbol));
    }
  }
  if (r.nats_weight == 0) return w;
  for (int i = 0; i < texts; ++i) {
    model.reset();
    const auto piece = begin_of(texts + i, r.bytes);
    for (size_t j = 0; j + 1 < piece.size(); ++j)
      w.nats += nats_of(model.feed(piece[j]), piece[j + 1]);
  }
  w.nats /= double(texts) * (r.bytes - 1);
  return w;
}

bool ends_with(const std::string& s, std::string_view tail) {
  return s.size() >= tail.size() && s.compare(s.size() - tail.size(), tail.size(), tail) == 0;
}

class ScoredLearner final : public Learner {
 public:
  ScoredLearner(const Recipe& recipe, const Alphabet& alphabet, uint64_t seed,
                const Machine& machine, Pool* pool, Scorer scorer)
      : recipe_(recipe),
        alphabet_(alphabet),
        seed_(seed),
        machine_(machine),
        pool_(pool),
        scorer_(std::move(scorer)),
        base_(make_learner(recipe, alphabet.symbols(), seed, machine, pool)) {
    if (recipe.arithmetic != Arithmetic::product)
      throw Error("a fitness of one's own needs the product's arithmetic, which can write text");
    for (const StateTensor& t : base_->state()) {
      if (t.name == "updates") updates_ = static_cast<int64_t*>(t.data);
      const bool shadow = ends_with(t.name, ".shadow");
      if (!shadow && t.name != "head.bias") continue;
      const std::string name = shadow ? t.name.substr(0, t.name.size() - 7) : t.name;
      moved_.push_back({.value = t,
                        .m = moment(name + ".adam_m"),
                        .v = moment(name + ".adam_v"),
                        .limit = shadow ? efla_lm::shadow_limit(recipe.model.weights) : INFINITY});
    }
  }

  StepResult step(std::span<const uint8_t> text, int64_t step, double progress) override;
  double loss(std::span<const uint8_t> text, int window) const override {
    return base_->loss(text, window);
  }
  std::vector<LayerHealth> health(std::span<const uint8_t> text) const override {
    return base_->health(text);
  }
  std::vector<MatrixHealth> look_at_matrices() override { return base_->look_at_matrices(); }
  int64_t parameters() const override { return base_->parameters(); }
  std::vector<StateTensor> state() override { return base_->state(); }
  void restored() override { base_->restored(); }
  void share(Communicator* ranks) override {
    if (size_of(ranks) > 1)
      throw Error("a fitness of one's own is trained by one process: start it without mpirun");
  }

 private:
  struct Moved {  // a tensor of floats that the noise moves
    StateTensor value;
    float *m, *v;
    float limit;
    int64_t size() const { return value.bytes() / int64_t(sizeof(float)); }
    float* data() const { return static_cast<float*>(value.data); }
  };
  float* moment(const std::string& name) {
    for (const StateTensor& t : base_->state())
      if (t.name == name) return static_cast<float*>(t.data);
    throw Error("the learner has no tensor " + name);
  }
  // fn(index, sign) for every element of tensor t under the noise of a pair.
  template <class Fn>
  void each_sign(size_t t, int64_t step, int pair, Fn&& fn) const {
    Random random(seed_ ^ kNoiseStream, uint64_t(step) << 24 | uint64_t(pair) << 8 | t);
    uint64_t bits = 0;
    for (int64_t i = 0; i < moved_[t].size(); ++i, bits >>= 1) {
      if (i % 64 == 0) bits = random.next64();
      fn(i, (bits & 1) != 0 ? 1.0f : -1.0f);
    }
  }
  Written write_as(int member, std::span<const uint8_t> text, int64_t step) const;
  void update(std::span<const float> differences, int64_t step, double progress);

  Recipe recipe_;
  Alphabet alphabet_;
  uint64_t seed_;
  Machine machine_;
  Pool* pool_;
  Scorer scorer_;
  std::unique_ptr<Learner> base_;
  std::vector<Moved> moved_;
  int64_t* updates_ = nullptr;
};

// Members 2p and 2p + 1 are the sides of pair p.
Written ScoredLearner::write_as(int member, std::span<const uint8_t> text, int64_t step) const {
  std::vector<StateTensor> weights = base_->state();
  std::vector<std::vector<float>> own(moved_.size());
  const float by = member % 2 ? -recipe_.score.sigma : recipe_.score.sigma;
  for (size_t t = 0; t < moved_.size(); ++t) {
    own[t].assign(moved_[t].data(), moved_[t].data() + moved_[t].size());
    each_sign(t, step, member / 2, [&](int64_t i, float sign) { own[t][size_t(i)] += by * sign; });
    for (StateTensor& w : weights)
      if (w.name == moved_[t].value.name) w.data = own[t].data();
  }
  const auto model = efla_lm::make_generator(recipe_.model, alphabet_.symbols(), weights, machine_);
  return write(*model, recipe_.score, alphabet_, text, seed_, uint64_t(step), recipe_.score.texts);
}

StepResult ScoredLearner::step(std::span<const uint8_t> text, int64_t step, double progress) {
  const ScoreRecipe& r = recipe_.score;
  if (text.size() <= size_t(std::max(r.bytes, kPrompt)))
    throw Error(fmt::format("the training text must be longer than score.bytes = {}", r.bytes));
  const int members = 2 * r.pairs;
  std::vector<Written> written(static_cast<size_t>(members));
  parallel_tasks(pool_, members,
                 [&](int64_t i, int) { written[size_t(i)] = write_as(int(i), text, step); });
  std::vector<Bytes> texts;
  for (Written& w : written)
    for (Bytes& t : w.texts) texts.push_back(std::move(t));
  const std::vector<double> scores = scorer_(texts);
  if (scores.size() != texts.size())
    throw Error(
        fmt::format("the fitness gave {} scores for {} texts", scores.size(), texts.size()));
  std::vector<double> fitness(written.size());
  double mean = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (!std::isfinite(scores[i])) throw Error("the fitness gave a score that is not a number");
    fitness[i / size_t(r.texts)] += scores[i] / r.texts;
    mean += scores[i] / double(scores.size());
  }
  std::vector<float> differences;  // of losses, as everywhere in train/
  for (size_t p = 0; p < written.size(); p += 2) {
    fitness[p] -= double(r.nats_weight) * written[p].nats;
    fitness[p + 1] -= double(r.nats_weight) * written[p + 1].nats;
    differences.push_back(float(fitness[p + 1] - fitness[p]));
  }
  const TrainRecipe& t = recipe_.train;
  shape(t.fitness, t.fitness == Fitness::zscore ? t.zscore_clip : t.fitness_clip, differences);
  update(differences, step, progress);
  const auto few = text.first(std::min<size_t>(text.size(), 513));
  const int64_t tokens =
      int64_t(members) * r.texts * (kPrompt + r.bytes) * (r.nats_weight > 0 ? 2 : 1);
  return {
      .train_nats = base_->loss(few), .data_tokens = tokens, .lane_tokens = tokens, .score = mean};
}

void ScoredLearner::update(std::span<const float> differences, int64_t step, double progress) {
  const TrainRecipe& r = recipe_.train;
  const int64_t t = ++*updates_;
  const double rate = learning_rate(recipe_.score.lr, r.lr_end, progress);
  const auto unbias_m = float(rate / (1 - power(r.beta1, t)));
  const auto unbias_v = float(1 / (1 - power(r.beta2, t)));
  parallel_tasks(pool_, int64_t(moved_.size()), [&](int64_t index, int) {
    const Moved& w = moved_[size_t(index)];
    std::vector<float> g(size_t(w.size()), 0.0f);
    for (size_t p = 0; p < differences.size(); ++p) {
      if (differences[p] == 0) continue;
      const float d = differences[p] / (2 * recipe_.score.sigma * float(differences.size()));
      each_sign(size_t(index), step, int(p),
                [&](int64_t i, float sign) { g[size_t(i)] += d * sign; });
    }
    for (int64_t i = 0; i < w.size(); ++i) {
      const float x = g[size_t(i)];
      w.m[i] = r.beta1 * w.m[i] + (1 - r.beta1) * x;
      w.v[i] = r.beta2 * w.v[i] + ((1 - r.beta2) * x) * x;
      const float moved = w.data()[i] - unbias_m * w.m[i] / (std::sqrt(w.v[i] * unbias_v) + 1e-9f);
      w.data()[i] = std::clamp(moved, -w.limit, w.limit);
    }
  });
  base_->restored();
}

}  // namespace

std::unique_ptr<Learner> make_scored_learner(const Recipe& recipe, const Alphabet& alphabet,
                                             uint64_t seed, const Machine& machine, Pool* pool,
                                             Scorer scorer) {
  return std::make_unique<ScoredLearner>(recipe, alphabet, seed, machine, pool, std::move(scorer));
}

std::vector<double> scores_of(const Recipe& recipe, const Alphabet& alphabet,
                              std::span<const StateTensor> weights, std::span<const uint8_t> text,
                              uint64_t seed, int texts, const Machine& machine,
                              const Scorer& scorer) {
  const auto model = efla_lm::make_generator(recipe.model, alphabet.symbols(), weights, machine);
  return scorer(write(*model, recipe.score, alphabet, text, seed, ~uint64_t(0) >> 16, texts).texts);
}

}  // namespace nibble::train
