// Lanes, credits and updates of the product learner.
#include <bit>
#include <cmath>
#include <cstring>

#include "nibble/base/random.h"
#include "nibble/train/fitness.h"
#include "nibble/train/product_learner.h"
#include "nibble/train/product_worker.h"
#include "nibble/train/schedule.h"

namespace nibble::train {
namespace {

constexpr uint64_t kBatchStream = uint64_t(0x62617463) << 32;  // "batc"
constexpr uint32_t kNoiseStream = 0x6e6f6973, kDitherStream = 0x64697468;

const int32_t* sums_of(const Activations& a, const Matrix& m) {
  if (m.stage == Stage::embedding) return a.embedding_sums.data();
  if (m.stage == Stage::head) return a.head_sums.data();
  const Activations::Block& b = a.blocks[size_t(m.block)];
  const auto& sums = m.stage == Stage::mixer  ? b.mixer_sums
                     : m.stage == Stage::ffn1 ? b.ffn1_sums
                                              : b.ffn2_sums;
  return sums.data();
}

}  // namespace

ProductLearner::~ProductLearner() = default;

// Rounded to the nearest step, ties to even. Behind 3 * 2^22 a float's last bit is 1: adding that
// rounds every |x| < 2^22, as lrintf does, without a call.
int32_t ProductLearner::fixed_point(float credit) {
  static_assert(kMaxCredit < 1 << 22);
  constexpr float kInteger = 3 << 22;
  const float steps = credit * float(1 << kCreditBits);
  const float near = std::clamp(steps, -float(kMaxCredit), float(kMaxCredit)) + kInteger;
  return std::bit_cast<int32_t>(near) - std::bit_cast<int32_t>(kInteger);
}

void ProductLearner::shape_differences(std::span<float> differences) const {
  const TrainRecipe& r = recipe_.train;
  shape(r.fitness, r.fitness == Fitness::zscore ? r.zscore_clip : r.fitness_clip, differences);
}

int64_t ProductLearner::lane_noise(const Matrix& m, const Chunk& c) const {
  if (!by_weight()) return int64_t(c.rows()) * m.n / 16;
  if (full_rank()) return c.sequences * sign_words(m.k, m.n);
  return int64_t(parts()) * c.sequences * (m.n + m.k) / 16;
}
int64_t ProductLearner::noise_words(const Matrix& m, const Chunk& c) const {
  return (trained(m).lanes * lane_noise(m, c) + 7) / 8 * 4;
}
const uint16_t* ProductLearner::noise_of(const Worker& w, const Matrix& m, int lane) const {
  return w.noise.data() + w.noise_at[index(m)] + lane * lane_noise(m, w.clean.chunk);
}

ProductLearner::Source ProductLearner::source(const Activations& a, const Matrix& m) const {
  if (m.stage == Stage::embedding) return {a.embedding_in.data.data(), m.k};
  if (m.stage == Stage::head) return {a.head_in.data.data(), m.k};
  const Activations::Block& b = a.blocks[size_t(m.block)];
  if (m.stage == Stage::ffn2) return {b.hidden.data(), m.k};
  const Inputs& in = m.stage == Stage::mixer ? b.mixer_in : b.ffn_in;
  return {in.data.data(), in.width};
}

void ProductLearner::sample(Worker& w, std::span<const uint8_t> text, int64_t step,
                            int chunk) const {
  const int length = chunk_.length;
  const Chunk& c = w.clean.chunk;
  for (int s = 0; s < c.sequences; ++s) {
    const int64_t slot = int64_t(chunk) * chunk_.sequences + s;
    const Window window = window_of(step, slot);
    Random rng(seed_ ^ kBatchStream, uint64_t(window.run) << 20 | uint64_t(slot));
    const uint64_t run = rng.below(text.size() - size_t(recipe_.train.carry) * size_t(length));
    const uint64_t start = run + uint64_t(window.nth * length);
    std::memcpy(w.symbols.data() + s * length, text.data() + start, size_t(length));
    std::memcpy(w.targets.data() + s * length, text.data() + start + 1, size_t(length));
  }
}

void ProductLearner::noise(Worker& w, const Matrix& m, int64_t step, int chunk) const {
  noise_bits_({.words = noise_words(m, w.clean.chunk),
               .key = {uint32_t(seed_), uint32_t(seed_ >> 32) ^ kNoiseStream},
               .counter = {uint32_t(index(m)), uint32_t(chunk), uint32_t(step)},
               .out = reinterpret_cast<uint32_t*>(w.noise.data() + w.noise_at[index(m)])});
}

// What a lane adds to the sums of a matrix, whose inputs `from` holds: with noise per token the
// same for any inputs.
Noise ProductLearner::noise_in(Worker& w, const Activations& from, const Matrix& m, int lane,
                               const int32_t*& sums) const {
  const Trained& t = trained(m);
  if (t.lanes == 0) return {};
  if (by_weight()) return perturb(w, from, m, lane, sums);
  Noise noise{.bits = noise_of(w, m, lane), .step = t.step};
  if (m.stage == Stage::mixer) noise.every = recipe_.train.mixer_noise_every, noise.phase = lane;
  if (m.stage == Stage::head) {  // cross_entropy knows a step for each row only
    std::fill(w.steps.begin(), w.steps.end(), t.step);
    noise.steps = w.steps.data();
  }
  return noise;
}

// From the clean sums of the matrix `first` to the losses, with noise in [first, last).
void ProductLearner::run_lane(Worker& w, size_t first, size_t last, int lane) const {
  const Matrix& start = model_.matrices[first];
  for (size_t i = first; i < trained_.size(); ++i) {
    const Matrix& m = model_.matrices[i];
    const int b = m.block;
    if (i > first && m.stage == Stage::mixer) forward_.mixer_sums(b, w.lane, w.lane);
    if (i > first && m.stage == Stage::ffn1) forward_.ffn1_sums(b, w.lane, w.lane);
    // Nothing else reads the sums of a head, unless noise is added to a copy of them.
    const bool at_once = i > first && m.stage == Stage::head && !(i < last && copies_sums());
    if (i > first && m.stage == Stage::head && !at_once) forward_.head_sums(w.lane, w.lane);
    const Activations& from = i == first ? w.clean : w.lane;
    const int32_t* sums = sums_of(from, m);
    const Noise noise = i < last ? noise_in(w, from, m, lane, sums) : Noise{};
    if (m.stage == Stage::embedding) {
      forward_.enter(sums, noise, w.lane);
    } else if (m.stage == Stage::mixer) {
      forward_.mix(b, from.blocks[size_t(b)].x_in.data(), sums, noise, w.lane);
    } else if (m.stage == Stage::ffn1) {
      forward_.hidden(b, sums, noise, w.lane);
    } else if (m.stage == Stage::ffn2) {
      // The residual before the FFN: the lane's, if what it has run wrote that.
      const bool own = b > start.block || start.stage == Stage::mixer;
      const Activations::Block& at = (own ? w.lane : w.clean).blocks[size_t(b)];
      forward_.add(b, (model_.shape.mixer ? at.x_mid : at.x_in).data(), sums, noise, w.lane);
    } else if (at_once) {
      forward_.head_losses(w.targets.data(), w.lane, noise);
    } else {
      forward_.losses(sums, w.targets.data(), false, w.lane, noise);
    }
  }
}

// Noise per token in the logits alone: the clean probabilities tell the differences of all lanes.
void ProductLearner::differences_of_head(Worker& w) const {
  const Matrix& m = model_.matrices.back();
  const Trained& t = trained(m);
  logit_credit_({.rows = w.clean.chunk.rows(),
                 .n = m.n,
                 .lanes = t.lanes,
                 .s = t.sigma,
                 .gradient = w.clean.gradient.data(),
                 .noise = noise_of(w, m, 0),
                 .target = w.targets.data(),
                 .credit = w.differences.data()});
}

void ProductLearner::run_lanes(Worker& w, size_t first, size_t last, int chunk) const {
  const Matrix& m = model_.matrices[first];
  const Chunk& c = w.clean.chunk;
  const int lanes = trained(m).lanes;
  const int share = by_weight() ? c.length : 1;  // rows with one difference
  const bool known = m.stage == Stage::head && !by_weight();
  if (known) differences_of_head(w);
  float* difference = w.differences.data();
  for (int l = 0; l < lanes && !known; ++l) {
    run_lane(w, first, last, l);
    for (int row = 0; row < c.rows(); ++difference) {
      *difference = 0;
      for (int end = row + share; row < end; ++row)
        *difference += w.lane.loss[row] - w.clean.loss[row];
    }
  }
  shape_differences({w.differences.data(), size_t(lanes) * size_t(c.rows() / share)});
  if (!by_weight()) return;
  difference = w.differences.data();
  for (int l = 0; l < lanes; ++l)
    for (int s = 0; s < c.sequences; ++s)
      weight_credits(m, l, chunk)[s] = fixed_point(*difference++);
}

// Without a mixer a symbol reaches as many tokens as the shifts behind it say: what those after
// them lose tells nothing of the embedding.
int ProductLearner::credit_window(const Matrix& m) const {
  const int window = recipe_.train.credit_window;
  const int reach = 1 + model_.shape.blocks * model_.shape.ffn_shift;
  if (m.stage != Stage::embedding || model_.shape.mixer) return window;
  return window > 0 ? std::min(window, reach) : reach;
}

// Of a matrix's outputs, from the first on: those whose noise reaches its own token only. In the
// last block these are the FFN's and the queries.
int ProductLearner::own_columns(const Matrix& m) const {
  if (m.block + 1 < model_.shape.blocks) return 0;
  return m.stage == Stage::mixer ? model_.shape.key_dim : m.n;
}

// Shaped differences to fixed-point credits: the token's own, and with what later tokens of the
// sequence lost to it, each step later counting credit_decay of the one before; in a credit window
// of n, what happens n steps later counts nothing. Only those that collect() reads.
void ProductLearner::credit(Worker& w, const Matrix& m, int lane) const {
  const TrainRecipe& r = recipe_.train;
  const Chunk& c = w.clean.chunk;
  const float* differences = w.differences.data() + int64_t(lane) * c.rows();
  const int64_t at = (trained(m).first_lane + lane) * int64_t(c.rows());
  const int window = credit_window(m);
  int32_t* own = w.credit_own.data() + at;
  int32_t* with_later = w.credit_later.data() + at;
  if (own_columns(m) > 0)
    for (int row = 0; row < c.rows(); ++row) own[row] = fixed_point(differences[row]);
  for (int s = 0; s < c.sequences && own_columns(m) < m.n; ++s) {
    float later = 0;
    for (int row = (s + 1) * c.length - 1; row >= s * c.length; --row) {
      later = differences[row] + r.credit_decay * later;
      if (window > 0) {
        const int end = std::min((s + 1) * c.length, row + window);
        later = 0;
        for (int t = end - 1; t >= row; --t) later = differences[t] + r.credit_decay * later;
      }
      with_later[row] = fixed_point(later);
    }
  }
  const int every = m.stage == Stage::mixer ? r.mixer_noise_every : 1;
  for (int row = 0; every > 1 && row < c.rows(); ++row)
    if ((row + lane) % every != 0) own[row] = with_later[row] = 0;
}

// z of one matrix in the layout of its inputs: rows of the gap between sequences are zero.
void ProductLearner::collect(Worker& w, size_t matrix, int worker) {
  const Matrix& m = model_.matrices[matrix];
  const Trained& t = trained_[matrix];
  const Chunk& c = w.clean.chunk;
  const int64_t rows = c.rows();
  const int own = own_columns(m);
  int8_t* z = next_z(w, matrix);
  const auto columns = [&](int s, int from, int to, const Buffer<int32_t>& credit) {
    if (from == to) return;
    const int64_t row = int64_t(s) * c.length;
    credit_noise_({.rows = c.length,
                   .n = to - from,
                   .lanes = t.lanes,
                   .lane_rows = rows,
                   .shift = credit_shift_[int64_t(matrix)],
                   .ldz = m.n,
                   .ld_noise = m.n / 16,
                   .credit = credit.data() + t.first_lane * rows + row,
                   .noise = noise_of(w, m, 0) + (row * m.n + from) / 16,
                   .z = z + int64_t(s) * (c.length + m.gap) * m.n + from,
                   .magnitude = w.magnitude.data() + matrix});
  };
  for (int s = 0; s < c.sequences; ++s) {
    columns(s, 0, own, w.credit_own);
    columns(s, own, m.n, w.credit_later);
  }
  append_clean(w, matrix, worker);
}

// The exact derivative of the loss by the logits, p - onehot, with a random part of a step added
// before it is rounded down: small probabilities keep their mean.
void ProductLearner::collect_delta(Worker& w, int64_t step, int chunk) {
  const int n = model_.padded_symbols, rows = w.clean.chunk.rows();
  noise_bits_({.words = int64_t(rows) * n / 4,
               .key = {uint32_t(seed_), uint32_t(seed_ >> 32) ^ kDitherStream},
               .counter = {0, uint32_t(chunk), uint32_t(step)},
               .out = w.dither.data()});
  int8_t* z = next_z(w, trained_.size() - 1);
  const auto* dither = reinterpret_cast<const uint8_t*>(w.dither.data());
  for (int64_t i = 0; i < int64_t(rows) * n; ++i) {
    const float codes = w.clean.gradient[i] * 126 + (float(dither[i]) + 0.5f) * (1.0f / 256);
    z[i] = int8_t(std::floor(codes));
  }
}

// Rows of both factors of a matrix's gradient that a chunk gives: its tokens and the gaps before
// sequences, in which z is zero, or its perturbations.
int64_t ProductLearner::factor_rows(const Matrix& m, const Chunk& c) const {
  if (by_weight()) return int64_t(trained(m).lanes) * parts() * c.sequences;
  return int64_t(c.sequences) * (c.length + m.gap);
}

// Where the chunk's rows of z belong.
int8_t* ProductLearner::next_z(Worker& w, size_t matrix) const {
  const Pending& p = w.pending[matrix];
  return p.z.data() + p.rows * model_.matrices[matrix].n;
}

// Both factors of `rows` rows have been written; multiplies if another chunk would not fit.
void ProductLearner::append(Worker& w, size_t matrix, int64_t rows, int worker) {
  Pending& p = w.pending[matrix];
  p.rows += rows;
  if (p.rows + factor_rows(model_.matrices[matrix], chunk_) > p.most) multiply(w, matrix, worker);
}

// The clean pass's inputs beside z, whose gaps and padding become zero.
void ProductLearner::append_clean(Worker& w, size_t matrix, int worker) {
  const Matrix& m = model_.matrices[matrix];
  const Chunk& c = w.clean.chunk;
  int8_t* z = next_z(w, matrix);
  for (int s = 0; s < c.sequences; ++s) {
    int8_t* first = z + int64_t(s) * (c.length + m.gap) * m.n;
    std::memset(first + int64_t(c.length) * m.n, 0, size_t(m.gap) * m.n);
    for (int t = 0; t < c.length && m.outputs < m.n; ++t)
      std::memset(first + int64_t(t) * m.n + m.outputs, 0, size_t(m.n - m.outputs));
  }
  const Source in = source(w.clean, m);
  const int64_t rows = factor_rows(m, c);
  Pending& p = w.pending[matrix];
  std::memcpy(p.x.data() + p.rows * in.ld, in.data, size_t(rows * in.ld));
  if (m.stage == Stage::head) {
    int32_t* bias = bias_grad_.data() + int64_t(worker) * m.n;
    for (int n = 0; n < m.n; n += 16) {
      int32_t sums[16] = {};  // of its own: the compiler sees that nothing else is written
      for (int64_t t = 0; t < rows; ++t)
        for (int i = 0; i < 16; ++i) sums[i] += z[t * m.n + n + i];
      for (int i = 0; i < 16; ++i) bias[n + i] += sums[i];
    }
  }
  append(w, matrix, rows, worker);
}

// Adds to the worker's gradient what is pending.
void ProductLearner::multiply(Worker& w, size_t matrix, int worker) {
  const Matrix& m = model_.matrices[matrix];
  Pending& p = w.pending[matrix];
  if (p.rows == 0) return;
  credit_outer_({.tokens = p.rows - (by_weight() ? 0 : m.gap),
                 .k = m.k,
                 .n = m.n,
                 .ldx = by_weight() ? m.k : source(w.clean, m).ld,
                 .x = p.x.data(),
                 .z = p.z.data(),
                 .g = trained_[matrix].grad.data() + worker * m.size(),
                 .work = w.work.data()});
  p.rows = 0;
}

void ProductLearner::multiply_all() {
  parallel_tasks(pool_, int64_t(workers_.size()), [&](int64_t worker, int) {
    for (size_t i = 0; i < trained_.size(); ++i) multiply(*workers_[worker], i, int(worker));
  });
}

// What a chunk adds to the gradients, from its clean pass.
void ProductLearner::estimate(Worker& w, int64_t step, int chunk, int worker) {
  if (joint()) {
    size_t first = trained_.size();
    for (size_t i = trained_.size(); i-- > 0;)
      if (trained_[i].lanes > 0) noise(w, model_.matrices[i], step, chunk), first = i;
    run_lanes(w, first, trained_.size(), chunk);
  }
  for (size_t i = 0; i < trained_.size(); ++i) {
    const Matrix& m = model_.matrices[i];
    if (trained_[i].lanes > 0) {
      if (!joint()) noise(w, m, step, chunk), run_lanes(w, i, i + 1, chunk);
      if (by_weight()) {
        if (!ranks_) collect_by_weight(w, i, worker, chunk);
      } else {
        for (int l = 0; l < trained_[i].lanes; ++l) credit(w, m, l);
        collect(w, i, worker);
      }
    } else if (m.stage == Stage::head && recipe_.train.head_rule == HeadRule::delta) {
      collect_delta(w, step, chunk);
      append_clean(w, i, worker);
    }
  }
}

StepResult ProductLearner::accumulate(std::span<const uint8_t> text, int64_t step) {
  const TrainRecipe& r = recipe_.train;
  if (text.size() <= size_t(r.carry) * size_t(r.seq))
    throw Error("the training text must be longer than train.carry * train.seq = " +
                std::to_string(int64_t(r.carry) * r.seq));
  if (step < 0 || step >= int64_t(1) << 32) throw Error("steps are 0 .. 2^32 - 1");
  const int64_t tokens = int64_t(batch_) * r.seq;
  if (accumulated_ + tokens > credit_outer::kMaxTokens)
    throw Error("gradients of more than 133143 tokens may not fit their sums");
  if (ranks_ && accumulated_ > 0) throw Error("ranks accumulate one batch an update");
  const bool by_logits = !by_weight() || r.head_rule == HeadRule::delta;  // reads their gradient
  const Share share = share_of(ranks_, chunks());
  parallel_tasks(pool_, share.end - share.begin, [&](int64_t index, int worker) {
    Worker& w = *workers_[worker];
    const int chunk = int(share.begin + index);
    const Chunk shape = shape_of(chunk);
    w.clean.reshape(shape), w.lane.reshape(shape);
    sample(w, text, step, chunk);
    take_carried(w, step, chunk);
    forward_.all(w.symbols.data(), w.clean);
    keep_carried(w, chunk);
    forward_.losses(w.clean.head_sums.data(), w.targets.data(), by_logits, w.clean);
    for (int row = 0; row < shape.rows(); ++row)
      w.loss += std::llrint(w.clean.loss[row] * kLossUnit);
    estimate(w, step, chunk, worker);
  });
  multiply_all();
  accumulated_ += tokens;
  if (ranks_) sum_over_ranks(text, step);
  StepResult result{.data_tokens = tokens};
  int64_t loss = 0;
  for (auto& w : workers_) loss += w->loss, w->loss = 0;
  result.train_nats = double(loss) / kLossUnit / double(tokens);
  result.lane_tokens = tokens * (1 + lanes_);
  return result;
}

// A step of the gradient sums in nats per unit of shadow. A step of z is 2^(shift - kCreditBits)
// nats; summed over lanes it is lanes * sigma times the derivative by the output.
float ProductLearner::unit(size_t matrix) const {
  const Matrix& m = model_.matrices[matrix];
  const Trained& t = trained_[matrix];
  const float per_shadow = m.scale * m.code_scale;
  if (t.lanes == 0) return per_shadow / 126;  // the delta rule
  const int every = m.stage == Stage::mixer ? recipe_.train.mixer_noise_every : 1;
  const float z = std::ldexp(1.0f, credit_shift_[int64_t(matrix)] - kCreditBits);
  if (by_weight()) return z / (float(t.lanes * parts()) * t.weight_step);
  return per_shadow * z * float(every) / (float(t.lanes) * t.sigma);
}

std::vector<float> ProductLearner::gradient(size_t matrix) const {
  const int64_t size = model_.matrices[matrix].size();
  std::vector<float> g(size_t(size), 0.0f);
  for (size_t p = 0; p < workers_.size(); ++p)
    for (int64_t i = 0; i < size; ++i)
      g[size_t(i)] += float(trained_[matrix].grad[int64_t(p) * size + i]);
  for (float& x : g) x = x * unit(matrix) / float(accumulated_);
  return g;
}

// Keeps the mean magnitude of z between 4 and 16 of its 127 codes: what it clamps is then rare,
// what it rounds off far below the spread of the noise.
void ProductLearner::adapt_shift(size_t matrix) {
  const Matrix& m = model_.matrices[matrix];
  const Trained& t = trained_[matrix];
  int64_t magnitude = 0;
  for (auto& w : workers_)
    magnitude += w->magnitude[int64_t(matrix)], w->magnitude[int64_t(matrix)] = 0;
  if (t.lanes == 0) return;
  const int every = m.stage == Stage::mixer ? recipe_.train.mixer_noise_every : 1;
  int64_t noisy = accumulated_ * m.n;  // values of z that are not zero by construction
  if (by_weight()) noisy = noisy / recipe_.train.seq * t.lanes * parts();
  if (!by_weight() && t.lanes < every) noisy = noisy * t.lanes / every;
  int32_t& shift = credit_shift_[int64_t(matrix)];
  for (; magnitude > 16 * noisy && shift < 24; magnitude /= 2) ++shift;
  for (; magnitude < 4 * noisy && shift > 0 && magnitude > 0; magnitude *= 2) --shift;
}

void ProductLearner::update_bias(float rate, float v_scale) {
  const TrainRecipe& r = recipe_.train;
  const Matrix& m = model_.matrices.back();
  const float by_logit = unit(trained_.size() - 1) / (m.scale * m.code_scale) / float(accumulated_);
  for (int n = 0; n < model_.symbols; ++n) {
    int32_t sum = 0;
    for (size_t p = 0; p < workers_.size(); ++p) sum += bias_grad_[int64_t(p) * m.n + n];
    const float g = float(sum) * by_logit;
    bias_m_[n] = r.beta1 * bias_m_[n] + (1 - r.beta1) * g;
    bias_v_[n] = r.beta2 * bias_v_[n] + ((1 - r.beta2) * g) * g;
    model_.bias[n] -= (rate * bias_m_[n]) / (std::sqrt(bias_v_[n] * v_scale) + 1e-9f);
  }
  std::fill(bias_grad_.begin(), bias_grad_.end(), 0);
}

void ProductLearner::apply(double progress) {
  const TrainRecipe& r = recipe_.train;
  const int64_t t = ++updates_[0];
  const double lr = learning_rate(r.lr, r.lr_end, progress);
  const auto rate = float(lr / (1 - power(r.beta1, t)));
  const auto v_scale = float(1 / (1 - power(r.beta2, t)));
  if ((trained_.back().lanes > 0 && !by_weight()) || r.head_rule == HeadRule::delta)
    update_bias(rate, v_scale);
  for (size_t i = 0; i < trained_.size(); ++i) {
    Matrix& m = model_.matrices[i];
    Trained& w = trained_[i];
    if (w.lanes == 0 && !(m.stage == Stage::head && r.head_rule == HeadRule::delta)) continue;
    if (r.weight_decay > 0) decay(i, float(lr) * w.lr);
    if (r.update != UpdateRule::adam) {
      apply_rule(i, float(lr) * w.lr);
      adapt_shift(i);
      continue;
    }
    adam_ternary::Args args = projection(i);
    args.parts = int(workers_.size());
    args.unit = unit(i) / float(accumulated_);
    args.rate = rate * w.lr;
    args.beta1 = r.beta1, args.beta2 = r.beta2, args.v_scale = v_scale;
    args.part_stride = m.size();
    args.grad = w.grad.data();
    adam_(args, pool_);
    if (m.format == WeightFormat::nvfp4) efla_lm::project(m, w.shadow.data());
    adapt_shift(i);
  }
  accumulated_ = 0;
}

}  // namespace nibble::train
