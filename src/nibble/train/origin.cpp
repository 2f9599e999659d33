#include "nibble/train/origin.h"

#include <algorithm>
#include <bit>

#include "nibble/numerics/ternary_hash.h"
#include "nibble/runtime/error.h"
#include "nibble/train/origin_es.h"

namespace nibble::train {
namespace {

using efla_lm::OriginModel;
using efla_lm::OriginSide;
using efla_lm::OriginTensor;

constexpr int kSequencesAtOnce = 32;  // of an evaluation: bounds its memory

class OriginLearner final : public Learner {
 public:
  OriginLearner(const OriginRecipe& r, uint64_t seed, const Machine& machine, Pool* pool)
      : r_(r),
        config_(origin_config(r)),
        tensors_(efla_lm::origin_tensors(config_)),
        p_(efla_lm::origin_init(config_)),
        shadow_(p_.ternary.begin(), p_.ternary.end()),
        ema_(tensors_.size()),
        seed_(seed),
        pool_(pool),
        update_(r.clt_k, machine) {
    for (int i = 0; i < (pool ? pool->threads() : 1); ++i) models_.emplace_back(config_, machine);
  }

  StepResult step(std::span<const uint8_t> text, int64_t step, double progress) override {
    const OriginRates rates = origin_rates(r_, progress);
    const OriginBatch batch = origin_batch(text, mix64(seed_, uint64_t(step)), r_.batch, r_.seq);
    std::vector<uint64_t> seeds(static_cast<size_t>(rates.pairs));
    std::vector<double> fitness(seeds.size());
    for (size_t i = 0; i < seeds.size(); ++i) seeds[i] = origin_pair_seed(seed_, uint64_t(step), i);
    // A pair is a task: its losses are computed by one thread, in one order.
    const Share share = share_of(ranks_, rates.pairs);
    parallel_tasks(pool_, share.end - share.begin, [&](int64_t index, int worker) {
      const int64_t i = share.begin + index;
      OriginModel& m = models_[size_t(worker)];
      m.set_noise(seeds[size_t(i)]);
      const auto side = [&](int sign) {
        return m.loss(p_, {sign, rates.sigma_shift}, batch.tokens, batch.targets, r_.seq);
      };
      const double plus = side(1);
      fitness[size_t(i)] = side(-1) - plus;
    });
    if (ranks_) gather_fitness(fitness);
    const std::vector<float> weights = origin_shape(r_.fitness, r_.fitness_clip, fitness);
    for (size_t i = 0; i < tensors_.size(); ++i)
      update_.apply(target(i), rates, seeds, weights, pool_);
    const int64_t tokens = int64_t(batch.tokens.size());
    return {.train_nats = models_[0].loss(p_, {}, batch.tokens, batch.targets, r_.seq, pool_),
            .data_tokens = tokens,
            .lane_tokens = tokens * (1 + 2 * int64_t(rates.pairs))};
  }

  double loss(std::span<const uint8_t> text, int window) const override {
    return origin_text_loss(models_[0], p_, text, std::min(window, r_.seq), pool_);
  }

  std::vector<LayerHealth> health(std::span<const uint8_t> text) const override {
    const size_t sequences = std::min<size_t>(text.size() / size_t(r_.seq), kSequencesAtOnce);
    if (sequences == 0)
      throw Error("origin: a health check needs " + std::to_string(r_.seq) + " bytes of text");
    std::vector<LayerHealth> all;
    for (const auto& h :
         models_[0].health(p_, text.first(sequences * size_t(r_.seq)), r_.seq, pool_))
      all.push_back({h.layer, h.zero_increments, h.saturated, h.mean_beta});
    return all;
  }

  int64_t parameters() const override { return int64_t(p_.ternary.size() + p_.real.size()); }

  std::vector<StateTensor> state() override {
    std::vector<StateTensor> all;
    for (size_t i = 0; i < tensors_.size(); ++i) {
      const OriginTensor& t = tensors_[i];
      const OriginTarget now = target(i);
      const std::vector<int64_t> shape = {t.rows, t.cols};
      if (t.ternary) all.push_back({t.name, DType::i8, shape, now.ternary});
      all.push_back({t.ternary ? t.name + ".shadow" : t.name, DType::f32, shape, now.shadow});
      all.push_back({t.name + ".mean_square", DType::f32, {1}, now.ema});
    }
    return all;
  }
  void restored() override {}  // nothing is derived from the state
  void share(Communicator* ranks) override { ranks_ = ranks; }

 private:
  // Zero where another rank computes it: a sum of bit patterns carries them unchanged.
  void gather_fitness(std::span<double> fitness) {
    std::vector<int64_t> bits(fitness.size());
    for (size_t i = 0; i < bits.size(); ++i) bits[i] = std::bit_cast<int64_t>(fitness[i]);
    ranks_->sum(bits);
    for (size_t i = 0; i < bits.size(); ++i) fitness[i] = std::bit_cast<double>(bits[i]);
  }
  OriginTarget target(size_t i) {
    const OriginTensor& t = tensors_[i];
    return {.salt = t.salt,
            .size = t.size(),
            .shadow = (t.ternary ? shadow_.data() : p_.real.data()) + t.offset,
            .ternary = t.ternary ? p_.ternary.data() + t.offset : nullptr,
            .ema = &ema_[i]};
  }

  OriginRecipe r_;
  efla_lm::OriginConfig config_;
  std::vector<OriginTensor> tensors_;
  efla_lm::OriginParameters p_;
  std::vector<float> shadow_;  // of the ternary tensors, at the same offsets
  std::vector<float> ema_;     // one a tensor
  uint64_t seed_;
  Pool* pool_;
  Communicator* ranks_ = nullptr;
  OriginUpdate update_;
  mutable std::vector<OriginModel> models_;  // one a worker: activations and noise, no state
};

}  // namespace

efla_lm::OriginConfig origin_config(const OriginRecipe& r) {
  return {.hidden = r.hidden,
          .layers = r.layers,
          .mlp_mult = r.mlp_mult,
          .seq = r.seq,
          .noise_terms = r.clt_k,
          .act_scale = r.act_scale,
          .mlp_act_scale = r.mlp_act_scale,
          .ln_scale = r.ln_scale,
          .residual_scale = r.residual_scale,
          .mlp_residual_scale = r.mlp_residual_scale};
}

std::unique_ptr<Learner> make_origin_learner(const Recipe& recipe, int symbols, uint64_t seed,
                                             const Machine& machine, Pool* pool) {
  const OriginRecipe& r = recipe.origin;
  if (symbols != efla_lm::kOriginVocab)
    throw Error("origin: the alphabet must be all 256 bytes, not " + std::to_string(symbols) +
                " symbols");
  if (r.fitness != Fitness::rank && r.fitness != Fitness::zscore && r.fitness != Fitness::sign)
    throw Error("origin: fitness must be rank, zscore or sign");
  if (r.pop % 2 != 0)
    throw Error("origin: pop must be even, for it is made of antithetic pairs, not " +
                std::to_string(r.pop));
  return std::make_unique<OriginLearner>(r, seed, machine, pool);
}

double origin_text_loss(OriginModel& model, const efla_lm::OriginParameters& p,
                        std::span<const uint8_t> text, int window, Pool* pool) {
  if (text.size() < 2) throw Error("origin: a loss needs a text of at least 2 bytes");
  if (window < 1) throw Error("origin: a window must hold at least 1 byte");
  const size_t predicted = text.size() - 1, whole = predicted / size_t(window) * size_t(window);
  double nats = 0;
  const auto add = [&](size_t from, size_t count, size_t length) {
    nats += double(count) * model.loss(p, {}, text.subspan(from, count),
                                       text.subspan(from + 1, count), int(length), pool);
  };
  const size_t step = size_t(window) * kSequencesAtOnce;
  for (size_t at = 0; at < whole; at += step) add(at, std::min(step, whole - at), size_t(window));
  if (whole < predicted) add(whole, predicted - whole, predicted - whole);
  return nats / double(predicted);
}

}  // namespace nibble::train
