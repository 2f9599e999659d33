#include "nibble/train/product_learner.h"

#include <cmath>
#include <cstring>

#include "nibble/base/random.h"
#include "nibble/numerics/elementary.h"
#include "nibble/train/product_worker.h"
#include "nibble/train/work.h"

namespace nibble::train {
namespace {

constexpr uint64_t kInitStream = 0x696e6974;  // "init"

void require(bool ok, const std::string& sentence) {
  if (!ok) throw Error(sentence);
}

void check(const TrainRecipe& t) {
  for (int lanes : {t.lanes_embedding, t.lanes_mixer, t.lanes_ffn1, t.lanes_ffn2, t.lanes_head})
    require(lanes >= 0 && lanes <= kMaxLanes,
            "a matrix has 0 to 64 lanes, not " + std::to_string(lanes));
  require(t.lanes_joint <= kMaxLanes, "train.lanes_joint must be at most 64");
  require(t.batch >= 1 && t.seq >= 1 && int64_t(t.batch) * t.seq <= 1 << 16,
          "train.batch * train.seq must be in 1..65536, so that gradient sums fit int32");
  require(int64_t(t.batch) * std::max(t.rank, 1) * kMaxLanes <= 1 << 24,
          "train.batch * train.rank must be at most 262144, so that gradient sums fit int32");
  require(t.batch % (1 << t.grow) == 0,
          "train.batch must be a multiple of 2 to the power of train.grow, so that it can begin as "
          "that part");
  require(t.grow == 0 || t.carry == 1,
          "train.carry needs a batch of one size: contexts belong to its sequences");
  require(t.rank == 1 || t.estimator == Estimator::weight,
          "train.rank is of the weight estimator's noise: per-token noise has none");
  require(t.sigma > 0 && t.sigma <= 4, "train.sigma must be in (0, 4]");
  require(t.mixer_noise_every >= 1, "train.mixer_noise_every must be positive");
}

Chunk chunk_of(const TrainRecipe& t) { return {std::clamp(kChunkRows / t.seq, 1, t.batch), t.seq}; }

}  // namespace

ProductLearner::ProductLearner(const Recipe& recipe, int symbols, uint64_t seed,
                               const Machine& machine, Pool* pool)
    : recipe_((check(recipe.train), recipe)),
      batch_(recipe.train.batch),
      seed_(seed),
      pool_(pool),
      model_(recipe.model, symbols),
      chunk_(chunk_of(recipe.train)),
      forward_(model_, machine, chunk_),
      noise_bits_({.words = 1024}, machine),
      credit_noise_({.rows = chunk_.length, .n = 16, .lanes = 1, .ldz = 16, .ld_noise = 1},
                    machine),
      credit_outer_({.tokens = chunk_.rows(), .k = 16, .n = 16, .ldx = 16}, machine),
      logit_credit_({.rows = chunk_.rows(), .n = model_.padded_symbols, .lanes = 1, .s = 1},
                    machine),
      rank1_({.rows = chunk_.length, .k = 16, .ldx = 16}, machine),
      low_rank_({.rows = chunk_.rows(), .n = 16}, machine),
      sign_noise_({.rows = chunk_.length, .n = 16, .k = 16, .ldx = 16}, machine),
      sign_credit_({.perturbations = 1, .k = 16, .n = 16, .columns = 16}, machine),
      adam_({.k = 16, .n = 16}, machine) {
  const int threads = pool ? pool->threads() : 1;
  const TrainRecipe& t = recipe_.train;
  for (const Matrix& m : model_.matrices) {
    Trained& w = trained_.emplace_back();
    w.lanes = lanes_of(t, m.stage);
    w.first_lane = joint() ? 0 : lanes_;
    lanes_ = w.first_lane + std::max(w.lanes, joint() ? lanes_ : 0);
    w.step = std::max(1, int32_t(std::lrint(t.sigma / m.scale)));
    w.sigma = m.stage == Stage::head && !joint() ? t.sigma : float(w.step) * m.scale;
    // One of the embedding's inputs is not zero, of the others' all are about 1.
    w.weight_step = m.stage == Stage::embedding
                        ? t.sigma / std::sqrt(float(parts()))
                        : t.sigma / (std::sqrt(float(m.k) * float(parts())) *
                                     efla_lm::kActivationUnit * m.scale * m.code_scale);
    w.lr = m.stage == Stage::mixer ? t.lr_mixer : 1;
    w.shadow = Buffer<float>(m.size());
    w.m = Buffer<float>(m.size());
    w.v = Buffer<float>(m.size());
    w.grad = Buffer<int32_t>(threads * m.size());
  }
  require(!joint() || lanes_ > 0,
          "train.lanes_joint needs a matrix to perturb: one whose own lanes are not 0");
  bias_m_ = Buffer<float>(model_.padded_symbols);
  bias_v_ = Buffer<float>(model_.padded_symbols);
  bias_grad_ = Buffer<int32_t>(threads * model_.padded_symbols);
  updates_ = Buffer<int64_t>(1);
  if (by_weight()) weight_credits_ = Buffer<int32_t>(int64_t(chunks()) * lanes_ * chunk_.sequences);
  carried_ = Buffer<int32_t>(t.batch * carried_words());
  credit_shift_ = Buffer<int32_t>(int64_t(model_.matrices.size()));
  std::fill(credit_shift_.begin(), credit_shift_.end(), 8);

  const int64_t rows = chunk_.rows();
  for (int i = 0; i < threads; ++i) {
    auto& w = *workers_.emplace_back(std::make_unique<Worker>(model_, chunk_, carries()));
    int64_t words = 0, work = 0;
    int most = 1, widest = 0;
    for (const Matrix& m : model_.matrices) {
      w.noise_at.push_back(2 * words);
      words += noise_words(m, chunk_);
      const int64_t each = std::max<int64_t>(1, factor_rows(m, chunk_));
      Pending& p = w.pending.emplace_back();
      p.most = each * std::max<int64_t>(1, kPendingRows / each);
      p.x = Buffer<int8_t>(p.most * (by_weight() ? m.k : source(w.clean, m).ld));
      p.z = Buffer<int8_t>(p.most * m.n);
      work = std::max(work, credit_outer::work_bytes(p.most, m.k, m.n));
      most = std::max(most, trained(m).lanes), widest = std::max(widest, m.n);
    }
    w.steps = Buffer<int32_t>(parts() * rows);
    if (parts() > 1 || full_rank()) w.perturbed = Buffer<int32_t>(rows * widest);
    w.symbols = Buffer<uint8_t>(rows), w.targets = Buffer<uint8_t>(rows);
    w.noise = Buffer<uint16_t>(2 * words);
    w.differences = Buffer<float>(most * rows);
    w.credit_own = Buffer<int32_t>(std::max(lanes_, 1) * rows);
    w.credit_later = Buffer<int32_t>(std::max(lanes_, 1) * rows);
    w.work = Buffer<int8_t>(work);
    w.dither = Buffer<uint32_t>(rows * model_.padded_symbols / 4);
    w.magnitude = Buffer<int64_t>(int64_t(model_.matrices.size()));
  }
  initialise();
}

void ProductLearner::initialise() {
  uint64_t stream = 0;
  if (!model_.embeds()) {
    Random embedding(seed_ ^ kInitStream, stream++);
    for (int8_t& e : model_.embedding) e = int8_t(int(embedding.below(3)) - 1);
  }
  for (size_t i = 0; i < trained_.size(); ++i) {
    Random rng(seed_ ^ kInitStream, stream++);
    const Matrix& m = model_.matrices[i];
    for (int k = 0; k < (m.stage == Stage::embedding ? model_.symbols : m.k); ++k)
      for (int n = 0; n < m.outputs; ++n)
        trained_[i].shadow[int64_t(k) * m.n + n] = rng.uniform(-m.init, m.init);
  }
  restored();
}

std::vector<StateTensor> ProductLearner::state() {
  std::vector<StateTensor> all;
  const auto add = [&](std::string name, DType type, std::vector<int64_t> shape, void* data) {
    all.push_back({std::move(name), type, std::move(shape), data});
  };
  const int64_t hidden = model_.shape.hidden, symbols = model_.symbols;
  if (!model_.embeds())
    add("embedding.weight", DType::i8, {symbols, hidden}, model_.embedding.data());
  for (size_t i = 0; i < trained_.size(); ++i) {
    const Matrix& m = model_.matrices[i];
    Trained& t = trained_[i];
    add(m.name + ".shadow", DType::f32, {m.k, m.n}, t.shadow.data());
    add(m.name + ".adam_m", DType::f32, {m.k, m.n}, t.m.data());
    add(m.name + ".adam_v", DType::f32, {m.k, m.n}, t.v.data());
  }
  add("head.bias", DType::f32, {symbols}, model_.bias.data());
  add("head.bias.adam_m", DType::f32, {symbols}, bias_m_.data());
  add("head.bias.adam_v", DType::f32, {symbols}, bias_v_.data());
  add("updates", DType::i64, {1}, updates_.data());
  add("credit_shift", DType::i32, {credit_shift_.size()}, credit_shift_.data());
  if (carries())
    add("carried", DType::i32, {recipe_.train.batch, carried_words()}, carried_.data());
  return all;
}

adam_ternary::Args ProductLearner::projection(size_t matrix) {
  Matrix& m = model_.matrices[matrix];
  Trained& t = trained_[matrix];
  const bool wide = m.format == WeightFormat::bf16;
  return {.k = m.k,
          .n = m.n,
          .limit = m.limit,
          .code_scale = m.code_scale,
          .max_code = wide ? 1 : m.max_code,
          .in_bf16 = wide,
          .shadow = t.shadow.data(),
          .m = t.m.data(),
          .v = t.v.data(),
          .weight = wide ? nullptr : m.weight.data(),
          .wide = wide ? m.wide.data() : nullptr};
}

// Weights are a function of the shadow.
void ProductLearner::restored() {
  require(updates_[0] >= 0, "updates must not be negative");
  for (const int32_t shift : credit_shift_)
    require(shift >= 0 && shift <= 24,
            "credit_shift must be in 0..24, not " + std::to_string(shift));
  for (size_t i = 0; i < trained_.size(); ++i) {
    Matrix& m = model_.matrices[i];
    adam_(projection(i), pool_);
    if (m.format == WeightFormat::nvfp4) efla_lm::project(m, trained_[i].shadow.data());
  }
}

double ProductLearner::loss(std::span<const uint8_t> text, int window) const {
  require(window >= 1, "a window has at least one symbol");
  require(text.size() >= 2, "a loss needs at least two symbols");
  const auto count = int64_t(text.size()) - 1;
  const int64_t windows = count / window, left = count % window;
  const int per_task = std::max(1, kChunkRows / window);
  const Chunk most{int(std::min<int64_t>(per_task, std::max<int64_t>(windows, 1))), window};
  const int64_t full = (windows + most.sequences - 1) / most.sequences;
  const int threads = pool_ ? pool_->threads() : 1;
  std::vector<std::unique_ptr<Activations>> buffers(threads);
  std::vector<int64_t> sums(threads);
  const Share share = share_of(ranks_, full + (left > 0));
  parallel_tasks(pool_, share.end - share.begin, [&](int64_t index, int worker) {
    const int64_t task = share.begin + index;
    if (!buffers[worker]) buffers[worker] = std::make_unique<Activations>(model_, most, false);
    Activations& a = *buffers[worker];
    const int64_t first = task * most.sequences;  // window
    a.reshape(task == full
                  ? Chunk{1, int(left)}
                  : Chunk{int(std::min<int64_t>(most.sequences, windows - first)), window});
    const uint8_t* symbols = text.data() + (task == full ? windows : first) * window;
    forward_.embed(symbols, a);
    forward_.after(-1, a);
    forward_.head_losses(symbols + 1, a);
    for (int r = 0; r < a.chunk.rows(); ++r) sums[worker] += std::llrint(a.loss[r] * kLossUnit);
  });
  int64_t sum = 0;
  for (int64_t s : sums) sum += s;
  if (ranks_) ranks_->sum({&sum, 1});
  return double(sum) / kLossUnit / double(count);
}

std::vector<LayerHealth> ProductLearner::health(std::span<const uint8_t> text) const {
  const int length = int(std::min<size_t>(text.size(), 128));
  require(length >= 1, "health needs a text");
  const int sequences = int(std::min<size_t>(text.size() / length, 16));
  Activations a(model_, {sequences, length}, false);
  forward_.embed(text.data(), a);
  forward_.after(-1, a);
  const int64_t size = int64_t(sequences) * length * model_.shape.hidden;
  const auto layer = [&](std::string name, const int8_t* from, const int8_t* to) {
    LayerHealth h{.layer = std::move(name)};
    int64_t zero = 0, saturated = 0;
    for (int64_t i = 0; i < size; ++i) {
      const bool bound = to[i] == 127 || to[i] == -127;
      saturated += bound, zero += to[i] == from[i] && !bound;
    }
    h.zero_increments = double(zero) / double(size);
    h.saturated = double(saturated) / double(size);
    return h;
  };
  std::vector<LayerHealth> all;
  const efla_lm::Config& r = model_.shape;
  for (int b = 0; b < r.blocks; ++b) {
    const std::string name = "block" + std::to_string(b);
    const int8_t* x = a.blocks[b].x_in.data();
    if (r.mixer) {
      const int8_t* mid = a.blocks[b].x_mid.data();
      all.push_back(layer(name + ".mixer", x, mid));
      const Matrix& m = model_.at(Stage::mixer, b);
      double beta = 0;
      for (int row = 0; row < a.chunk.rows(); ++row)
        for (int h = 0; h < r.heads; ++h) {
          const int64_t column = int64_t(row) * m.n + 2 * r.key_dim + r.hidden + h;
          beta += math::sigmoid(float(a.blocks[b].mixer_sums[column]) * m.scale);
        }
      all.back().mean_beta = beta / (a.chunk.rows() * r.heads);
      x = mid;
    }
    all.push_back(
        layer(name + ".ffn", x, b + 1 == r.blocks ? a.x_out.data() : a.blocks[b + 1].x_in.data()));
  }
  return all;
}

// Adam's moments tell signal from noise. With a decay of b, a gradient of pure noise of variance N
// has E[m^2] = kappa N, kappa = (1 - b)(1 + b^t) / ((1 + b)(1 - b^t)) after the correction of its
// bias, and E[v] = N; a constant part of energy S adds S to both. So with q = m^2 / v,
// S / N = (q - kappa) / (1 - q).
std::vector<MatrixHealth> ProductLearner::look_at_matrices() {
  const bool first = seen_.empty();
  seen_.resize(trained_.size());
  const double t = double(updates_[0]), b1 = std::pow(double(recipe_.train.beta1), t),
               b2 = std::pow(double(recipe_.train.beta2), t);
  const double kappa =
      (1 - recipe_.train.beta1) * (1 + b1) / ((1 + recipe_.train.beta1) * (1 - b1));
  std::vector<MatrixHealth> all;
  for (size_t i = 0; i < trained_.size(); ++i) {
    const Matrix& m = model_.matrices[i];
    MatrixHealth& h = all.emplace_back(MatrixHealth{.matrix = m.name});
    // In panels; padding does not change.
    const bool wide = m.format == WeightFormat::bf16;
    const size_t width = wide ? sizeof(bf16) : 1;
    const auto* now = wide ? reinterpret_cast<const int8_t*>(m.wide.data()) : m.weight.data();
    int64_t flips = 0;
    for (size_t j = 0; j < seen_[i].size(); j += width)
      flips += std::memcmp(now + j, seen_[i].data() + j, width) != 0;
    if (!first) h.flips = double(flips) / (double(m.k) * m.outputs);
    seen_[i].assign(now, now + m.size() * int64_t(width));
    double mm = 0, v = 0;
    for (int64_t j = 0; j < m.size(); ++j)
      mm += double(trained_[i].m[j]) * trained_[i].m[j], v += trained_[i].v[j];
    if (v == 0 || recipe_.train.update != UpdateRule::adam) continue;  // not trained, or no moments
    const double q = mm / ((1 - b1) * (1 - b1)) / (v / (1 - b2));
    if (q < 1) h.signal_to_noise = std::fmax(0, (q - kappa) / (1 - q));
  }
  return all;
}

StepResult ProductLearner::step(std::span<const uint8_t> text, int64_t step, double progress) {
  // All sizes get equal shares of the run.
  const int sizes = recipe_.train.grow + 1;
  const int left = recipe_.train.grow - std::min(int(progress * sizes), recipe_.train.grow);
  batch_ = recipe_.train.batch >> left;
  const StepResult result = accumulate(text, step);
  apply(progress);
  return result;
}

}  // namespace nibble::train
