#include "nibble/models/efla_lm/origin.h"

#include <cmath>
#include <cstdlib>

#include "nibble/numerics/elementary.h"
#include "nibble/ops/absmean_norm/absmean_norm.h"
#include "nibble/ops/cross_entropy/cross_entropy.h"
#include "nibble/ops/efla/efla.h"
#include "nibble/ops/embedding_s8/embedding_s8.h"
#include "nibble/ops/fold_s8/fold_s8.h"
#include "nibble/ops/gelu_quantise/gelu_quantise.h"
#include "nibble/ops/gemm_s8/gemm_s8.h"
#include "nibble/ops/hash_noise/hash_noise.h"
#include "nibble/runtime/error.h"

namespace nibble::efla_lm {
namespace {

// A buffer that only grows, aligned to a cache line; its contents are not kept.
template <class T>
class Scratch {
 public:
  T* get(int64_t n) {
    if (size_t(n) > bytes_.size() / sizeof(T) || bytes_.empty())
      bytes_.resize(size_t(n) * sizeof(T) + 64);
    const auto at = reinterpret_cast<uintptr_t>(bytes_.data());
    return reinterpret_cast<T*>(at + (64 - at % 64) % 64);
  }

 private:
  std::vector<std::byte> bytes_;
};

// Of the tensors in the order of origin_tensors().
constexpr size_t kEmb = 0, kWin = 1, kLayers = 2, kPerLayer = 6, kFf1 = 4, kFf2 = 5;

}  // namespace

struct OriginModel::Impl {
  OriginConfig c;
  Machine machine;
  std::vector<OriginTensor> tensors;
  std::vector<int8_t> noise;  // of all tensors, at their noise_offset

  Scratch<int8_t> packed, narrow, wide, residual, before;
  Scratch<int32_t> sums;
  Scratch<float> floats, mixed, position, losses, efla_work;

  // One evaluation: what does not change while it walks the layers.
  const OriginParameters* p = nullptr;
  OriginSide side;
  float sigma = 0;  // sign * 2^-shift
  int64_t rows = 0;
  int length = 0;
  Exec exec;
  int8_t *x = nullptr, *y = nullptr;
  std::vector<OriginHealth>* report = nullptr;

  template <class Op>
  void call(const typename Op::Args& a) {
    throw_if(run<Op>(a, machine, exec));
  }
  const OriginTensor& layer(int l, size_t which) const {
    return tensors[kLayers + kPerLayer * size_t(l) + which];
  }
  const OriginTensor& tail(size_t which) const {  // 0 head, 1 head_bias, 2 beta_bias, 3 pos
    return tensors[kLayers + kPerLayer * size_t(c.layers) + which];
  }
  float scale(int k) const {  // of the sums of a folded GEMM
    return 1.0f / std::sqrt(float(k)) * std::ldexp(1.0f, side.sign ? -side.sigma_shift : 0);
  }
  float perturbed(const OriginTensor& t, int64_t i) const {
    const float v = p->real[size_t(t.offset + i)];
    return side.sign ? v + sigma * float(noise[size_t(t.noise_offset + i)]) : v;
  }

  // sums[rows][n] of `in` with tensor t and those that follow it in memory, n rows in all.
  const int32_t* gemm(const OriginTensor& t, int n, const int8_t* in) {
    const int k = t.cols;
    int8_t* b = packed.get(gemm_s8::packed_bytes(n, k));
    call<fold_s8::Op>({.n = n,
                       .k = k,
                       .shift = side.sign ? side.sigma_shift : 0,
                       .sign = side.sign,
                       .w = p->ternary.data() + t.offset,
                       .e = side.sign ? noise.data() + t.noise_offset : nullptr,
                       .packed = b});
    int32_t* out = sums.get(rows * n);
    call<gemm_s8::Op>({.m = rows, .n = n, .k = k, .lda = k, .ldc = n, .a = in, .b = b, .c = out});
    return out;
  }

  void embed(const uint8_t* tokens) {
    const OriginTensor &emb = tensors[kEmb], &pos = tail(3);
    const int H = c.hidden;
    int8_t* e = narrow.get(rows * H);
    call<embedding_s8::Op>({.tokens = rows,
                            .dim = H,
                            .vocab = kOriginVocab,
                            .noise_scale = sigma,
                            .token = tokens,
                            .table = p->ternary.data() + emb.offset,
                            .noise = side.sign ? noise.data() + emb.noise_offset : nullptr,
                            .out = e,
                            .has_noise = side.sign != 0});
    const int32_t* z = gemm(tensors[kWin], H, e);
    float* position_now = position.get(int64_t(length) * H);
    for (int64_t i = 0; i < int64_t(length) * H; ++i) position_now[i] = perturbed(pos, i);
    call<gelu_quantise::Op>({.rows = rows,
                             .cols = H,
                             .bias_rows = length,
                             .sum_scale = scale(H),
                             .out_scale = c.act_scale,
                             .sum = z,
                             .bias = position_now,
                             .y = x});
    call<absmean_norm::Op>({.rows = rows, .cols = H, .scale = c.ln_scale, .x = x, .y = y});
  }

  void mixer(int l) {
    const int H = c.hidden, columns = 3 * H + 1;
    const int32_t* sum = gemm(layer(l, 0), columns, y);
    float* f = floats.get(rows * columns);
    const float to_float = scale(H);
    parallel_for(exec.pool, rows * columns, 1 << 16, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) f[i] = to_float * float(sum[i]);
    });
    const float bias = perturbed(tail(2), l);
    float* o = mixed.get(rows * H);
    efla::Args a{.sequences = rows / length,
                 .tokens = length,
                 .key_dim = H,
                 .value_dim = H,
                 .rule = efla::Rule::raw_key,
                 .form = efla::Form::recurrent,
                 .fp16_state = true,
                 .eps = 1e-6f,
                 .beta_bias = bias,
                 .q_strides = efla::columns(columns, length, H),
                 .k_strides = efla::columns(columns, length, H),
                 .v_strides = efla::columns(columns, length, H),
                 .beta_strides = efla::columns(columns, length, 1),
                 .out_strides = efla::columns(H, length, H),
                 .q = f,
                 .k = f + H,
                 .v = f + 2 * H,
                 .beta = f + 3 * H,
                 .out = o};
    if (const int64_t n = efla::workspace_floats(a)) a.workspace = efla_work.get(n);
    call<efla::Op>(a);
    remember();
    call<absmean_norm::Op>({.rows = rows,
                            .cols = H,
                            .add_kind = absmean_norm::Add::f32,
                            .add_scale = c.residual_scale,
                            .scale = c.ln_scale,
                            .add = o,
                            .x = x,
                            .y = y});
    if (!report) return;
    double beta = 0;
    for (int64_t r = 0; r < rows; ++r) beta += math::sigmoid(f[r * columns + 3 * H] + bias);
    judge(l, ".mixer", beta / double(rows));
  }

  void ffn(int l) {
    const int H = c.hidden, F = c.mlp_mult * H;
    int8_t* h = wide.get(rows * F);
    call<gelu_quantise::Op>({.rows = rows,
                             .cols = F,
                             .sum_scale = scale(H),
                             .out_scale = c.mlp_act_scale,
                             .sum = gemm(layer(l, kFf1), F, y),
                             .y = h});
    remember();
    call<absmean_norm::Op>({.rows = rows,
                            .cols = H,
                            .add_kind = absmean_norm::Add::s32,
                            .add_scale = c.mlp_residual_scale,
                            .sum_scale = scale(F),
                            .scale = c.ln_scale,
                            .sum = gemm(layer(l, kFf2), H, h),
                            .x = x,
                            .y = y});
    if (report) judge(l, ".ffn", -1);
  }

  // y = the normed residual behind the last layer.
  void forward(const OriginParameters& parameters, OriginSide now, std::span<const uint8_t> tokens,
               int of_length, Pool* pool, std::vector<OriginHealth>* into = nullptr) {
    if (of_length < 1 || of_length > c.seq)
      throw Error("origin: sequences of 1.." + std::to_string(c.seq) + " bytes can be read, not " +
                  std::to_string(of_length));
    if (tokens.empty() || tokens.size() % size_t(of_length) != 0)
      throw Error("origin: " + std::to_string(tokens.size()) +
                  " bytes are not whole sequences of " + std::to_string(of_length));
    if (now.sign && noise.empty()) throw Error("origin: set_noise() comes before a perturbed loss");
    p = &parameters, side = now, length = of_length, exec = {.pool = pool}, report = into;
    rows = int64_t(tokens.size());
    sigma = float(now.sign) * std::ldexp(1.0f, -now.sigma_shift);
    x = residual.get(2 * rows * c.hidden), y = x + rows * c.hidden;
    embed(tokens.data());
    for (int l = 0; l < c.layers; ++l) mixer(l), ffn(l);
  }

  void remember() {
    if (report) std::copy_n(x, rows * c.hidden, before.get(rows * c.hidden));
  }
  void judge(int l, const char* branch, double beta) {
    const int64_t n = rows * c.hidden;
    const int8_t* old = before.get(n);
    int64_t same = 0, saturated = 0;
    for (int64_t i = 0; i < n; ++i) same += x[i] == old[i], saturated += std::abs(x[i]) == 127;
    report->push_back({"layer" + std::to_string(l) + branch, double(same) / double(n),
                       double(saturated) / double(n), beta});
  }
};

OriginModel::OriginModel(const OriginConfig& c, const Machine& machine)
    : impl_(std::make_unique<Impl>()) {
  check(c);
  impl_->c = c, impl_->machine = machine, impl_->tensors = origin_tensors(c);
}
OriginModel::~OriginModel() = default;
OriginModel::OriginModel(OriginModel&&) noexcept = default;

void OriginModel::set_noise(uint64_t pair_seed, Pool* pool) {
  const OriginTensor& last = impl_->tensors.back();
  impl_->noise.resize(size_t(last.noise_offset + last.size()));
  impl_->exec = {.pool = pool};
  for (const OriginTensor& t : impl_->tensors)
    impl_->call<hash_noise::Op>({.seed = mix64(pair_seed, t.salt),
                                 .n = t.size(),
                                 .terms = impl_->c.noise_terms,
                                 .out = impl_->noise.data() + t.noise_offset});
}

double OriginModel::loss(const OriginParameters& p, OriginSide side,
                         std::span<const uint8_t> tokens, std::span<const uint8_t> targets,
                         int length, Pool* pool) {
  Impl& m = *impl_;
  if (targets.size() != tokens.size()) throw Error("origin: as many targets as tokens are needed");
  m.forward(p, side, tokens, length, pool);
  float bias[kOriginVocab];
  for (int i = 0; i < kOriginVocab; ++i) bias[i] = m.perturbed(m.tail(1), i);
  float* losses = m.losses.get(m.rows);
  m.call<cross_entropy::Op>({.rows = m.rows,
                             .symbols = kOriginVocab,
                             .source = cross_entropy::Source::s32,
                             .ld = kOriginVocab,
                             .biased = true,
                             .scale = m.scale(m.c.hidden),
                             .eps = 1e-9f,
                             .sums = m.gemm(m.tail(0), kOriginVocab, m.y),
                             .bias = bias,
                             .target = targets.data(),
                             .loss = losses});
  double total = 0;
  for (int64_t r = 0; r < m.rows; ++r) total += losses[r];
  return total / double(m.rows);
}

std::vector<OriginHealth> OriginModel::health(const OriginParameters& p,
                                              std::span<const uint8_t> tokens, int length,
                                              Pool* pool) {
  std::vector<OriginHealth> all;
  impl_->forward(p, {}, tokens, length, pool, &all);
  return all;
}

}  // namespace nibble::efla_lm
