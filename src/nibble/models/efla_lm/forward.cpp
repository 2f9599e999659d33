#include "nibble/models/efla_lm/forward.h"

#include <algorithm>
#include <cstring>

namespace nibble::efla_lm {
namespace {

Inputs inputs(const Chunk& most, int gap, int width) {
  // The last row of a GEMM reads to the end of its token: nothing behind it.
  return {Buffer<int8_t>(int64_t(most.sequences) * (gap + most.length) * width), gap, width};
}

void clear_gaps(Inputs& in, const Chunk& c) {
  for (int s = 0; s < c.sequences; ++s)
    std::memset(in.data.data() + in.first(c, s), 0, size_t(in.gap) * in.width);
}

// Recurrent whatever the length: so are single tokens in generation, with the same bits. For heads
// of 16 keys chunks take ten times as long at any length (the op's notes).
efla::Args efla_shape(const Config& r, int mixer_n, const Chunk& c) {
  efla::Args a{.sequences = c.sequences, .tokens = c.length, .heads = r.heads};
  a.key_dim = r.key_dim / r.heads, a.value_dim = r.hidden / r.heads;
  a.rule = efla::Rule::unit_key, a.form = efla::Form::recurrent;
  a.q_strides = a.k_strides = efla::columns(mixer_n, c.length, a.key_dim);
  a.v_strides = efla::columns(mixer_n, c.length, a.value_dim);
  a.beta_strides = efla::columns(mixer_n, c.length, 1);
  a.out_strides = efla::columns(r.hidden, c.length, a.value_dim);
  return a;
}

// A model without a mixer asks about one that could be.
efla::Args typical_efla(const Model& m, const Chunk& c) {
  if (m.shape.mixer) return efla_shape(m.shape, m.mixer_n, c);
  Config r;
  return efla_shape(r, 2 * r.key_dim + r.hidden + 16, c);
}

}  // namespace

Activations::Activations(const Model& m, Chunk most, bool carry)
    : chunk(most), carry_in(carry), carry_out(carry), blocks(size_t(m.shape.blocks)) {
  const Config& r = m.shape;
  const int64_t rows = most.rows(), h = r.hidden;
  for (Block& b : blocks) {
    if (r.mixer) {
      b.mixer_in = inputs(most, r.mixer_shift, r.hidden);
      b.mixer_sums = Buffer<int32_t>(rows * m.mixer_n);
      b.x_mid = Buffer<int8_t>(rows * h);
      if (carry) b.state = Buffer<float>(int64_t(most.sequences) * r.key_dim / r.heads * r.hidden);
    }
    b.ffn_in = inputs(most, r.ffn_shift, r.hidden);
    b.ffn1_sums = Buffer<int32_t>(rows * r.ffn);
    b.ffn2_sums = Buffer<int32_t>(rows * h);
    b.x_in = Buffer<int8_t>(rows * h);
    b.hidden = Buffer<int8_t>(rows * r.ffn);
  }
  if (m.embeds()) {
    embedding_in = inputs(most, 0, m.padded_symbols);
    embedding_sums = Buffer<int32_t>(rows * h);
  }
  head_in = inputs(most, 0, r.hidden);
  x_out = Buffer<int8_t>(rows * h);
  head_sums = Buffer<int32_t>(rows * m.padded_symbols);
  loss = Buffer<float>(rows);
  gradient = Buffer<float>(rows * m.padded_symbols);
  if (r.weights == WeightFormat::bf16) {
    int64_t widest = 0;  // rows of every matrix, as if none overlapped
    for (const Matrix& w : m.matrices) widest = std::max<int64_t>(widest, w.k);
    widened = Buffer<uint8_t>(gemm_bf16_s8::workspace_bytes(rows, widest, widest));
  }
  if (r.activation == Activation::gelu) steps = Buffer<int32_t>(rows);
  if (!r.mixer) return;
  increments = Buffer<int32_t>(rows * h);
  mixer_values = Buffer<float>(rows * m.mixer_n);
  mixed = Buffer<float>(rows * h);
}

void Activations::reshape(Chunk c) {
  if (c.sequences == chunk.sequences && c.length == chunk.length) return;
  chunk = c;
  for (Block& b : blocks) {
    if (b.mixer_in.width > 0) clear_gaps(b.mixer_in, c);
    clear_gaps(b.ffn_in, c);
  }
}

Forward::Forward(const Model& m, const Machine& machine, Chunk c)
    : model_(m),
      gemm_({.m = c.rows(), .n = m.shape.ffn, .k = m.shape.hidden, .lda = 1, .ldc = m.shape.ffn},
            machine),
      wide_gemm_({.m = c.rows(), .n = 16, .k = 16, .ldx = 1, .ldy = 16}, machine),
      dequantise_({.rows = c.rows(), .n = 16}, machine),
      efla_(typical_efla(m, c), machine),
      head_norm_({.rows = c.rows(), .heads = m.shape.heads, .head_dim = 16}, machine),
      residual_norm_({.rows = c.rows(), .n = m.shape.hidden}, machine),
      relu2_({.rows = c.rows(), .n = m.shape.ffn, .unit = 1}, machine),
      gelu_({.rows = c.rows(), .cols = m.shape.ffn}, machine),
      add_noise_({.rows = c.rows(), .n = m.shape.ffn}, machine),
      cross_entropy_({.rows = c.rows(),
                      .symbols = m.symbols,
                      .source = cross_entropy::Source::s32,
                      .ld = m.padded_symbols,
                      .biased = true},
                     machine),
      head_losses_({.rows = c.rows(),
                    .symbols = m.symbols,
                    .k = m.shape.hidden,
                    .lda = m.shape.hidden,
                    .biased = true},
                   machine) {}

void Forward::multiply(const Matrix& w, const int8_t* rows, int count, int64_t lda, int32_t* sums,
                       Activations& to) const {
  if (w.format == WeightFormat::bf16)
    wide_gemm_({.m = count,
                .n = w.n,
                .k = w.k,
                .ldx = lda,
                .ldy = w.n,
                .x = rows,
                .w = w.wide.data(),
                .y = sums,
                .workspace = to.widened.data()});
  else
    gemm_({.m = count,
           .n = w.n,
           .k = w.k,
           .lda = lda,
           .ldc = w.n,
           .a = rows,
           .b = w.weight.data(),
           .c = sums});
}

void Forward::gemm(const Matrix& w, const Inputs& from, int32_t* sums, Activations& to) const {
  // Without a gap all rows are neighbours: one call.
  const Chunk& c = to.chunk;
  const int calls = from.gap == 0 ? 1 : c.sequences;
  const int rows = c.rows() / calls;
  for (int s = 0; s < calls; ++s)
    multiply(w, from.data.data() + from.first(c, s), rows, from.width,
             sums + int64_t(s) * rows * w.n, to);
}

void Forward::norm(residual_norm::Args a, const Inputs& to, const Chunk& c) const {
  const int calls = to.gap == 0 ? 1 : c.sequences;
  a.n = model_.shape.hidden;
  a.rows = c.rows() / calls;
  a.mean_code = kMeanCode;
  a.with_acc = a.acc != nullptr, a.with_noise = a.noise != nullptr;
  a.with_steps = a.steps != nullptr;
  const int64_t step = a.rows * a.n;
  for (int s = 0; s < calls; ++s) {
    a.y = to.data.data() + to.first(c, s) + int64_t(to.gap) * a.n;
    residual_norm_(a);
    a.x += step;
    if (a.acc) a.acc += step, a.x_out += step;
    if (a.noise) a.noise += a.rows / a.share * (a.n / 16);
    if (a.steps) a.steps += a.rows;
  }
}

void Forward::embed(const uint8_t* symbols, Activations& to) const {
  const int h = model_.shape.hidden;
  if (model_.embeds()) {
    const int width = to.embedding_in.width;
    int8_t* row = to.embedding_in.data.data();
    std::memset(row, 0, size_t(to.chunk.rows()) * size_t(width));
    for (int r = 0; r < to.chunk.rows(); ++r, row += width) row[symbols[r]] = kOneHot;
    gemm(model_.at(Stage::embedding, 0), to.embedding_in, to.embedding_sums.data(), to);
    return enter(to.embedding_sums.data(), {}, to);
  }
  const auto unit = int8_t(model_.shape.residual_unit);
  int8_t* x = to.blocks[0].x_in.data();
  for (int r = 0; r < to.chunk.rows(); ++r) {
    const int8_t* row = model_.embedding.data() + int64_t(symbols[r]) * h;
    for (int j = 0; j < h; j += 16, x += 16) {
      int8_t codes[16];  // of its own: the compiler sees that nothing else is written
      for (int i = 0; i < 16; ++i) codes[i] = int8_t(row[j + i] * unit);
      std::memcpy(x, codes, sizeof codes);
    }
  }
  norm({.x = to.blocks[0].x_in.data()},
       model_.shape.mixer ? to.blocks[0].mixer_in : to.blocks[0].ffn_in, to.chunk);
}

void Forward::enter(const int32_t* sums, const Noise& noise, Activations& to) const {
  Activations::Block& first = to.blocks[0];
  int8_t* x = first.x_in.data();
  std::memset(x, 0, size_t(to.chunk.rows()) * size_t(model_.shape.hidden));
  norm({.scale = model_.at(Stage::embedding, 0).scale * float(model_.shape.residual_unit),
        .step = noise.step,
        .x = x,
        .acc = sums,
        .noise = noise.bits,
        .share = noise.share,
        .steps = noise.steps,
        .x_out = x},
       model_.shape.mixer ? first.mixer_in : first.ffn_in, to.chunk);
}

void Forward::mixer_sums(int block, const Activations& from, Activations& to) const {
  gemm(model_.at(Stage::mixer, block), from.blocks[block].mixer_in,
       to.blocks[block].mixer_sums.data(), to);
}

void Forward::ffn1_sums(int block, const Activations& from, Activations& to) const {
  gemm(model_.at(Stage::ffn1, block), from.blocks[block].ffn_in, to.blocks[block].ffn1_sums.data(),
       to);
}

void Forward::head_sums(const Activations& from, Activations& to) const {
  gemm(model_.at(Stage::head, 0), from.head_in, to.head_sums.data(), to);
}

void Forward::mix(int block, const int8_t* x, const int32_t* sums, const Noise& noise,
                  Activations& to) const {
  const Config& r = model_.shape;
  const Chunk& c = to.chunk;
  const Matrix& w = model_.at(Stage::mixer, block);
  Activations::Block& b = to.blocks[block];
  float* z = to.mixer_values.data();
  dequantise_({.rows = c.rows(),
               .n = w.n,
               .scale = w.scale,
               .step = noise.step,
               .every = noise.every,
               .phase = noise.phase,
               .with_noise = noise.bits != nullptr,
               .acc = sums,
               .noise = noise.bits,
               .with_steps = noise.steps != nullptr,
               .share = noise.share,
               .steps = noise.steps,
               .y = z});
  efla::Args a = efla_shape(r, w.n, c);
  a.carry_in = to.carry_in, a.carry_out = to.carry_out;
  a.q = z, a.k = z + r.key_dim, a.v = z + 2 * r.key_dim, a.beta = a.v + r.hidden;
  a.out = to.mixed.data();
  a.state_in = to.carry_in ? b.state.data() : nullptr;
  a.state_out = to.carry_out ? b.state.data() : nullptr;
  efla_(a);
  head_norm_({.rows = c.rows(),
              .heads = r.heads,
              .head_dim = r.hidden / r.heads,
              .mean_code = r.mixer_scale * 0.8f * float(r.residual_unit),
              .x = to.mixed.data(),
              .y = to.increments.data()});
  norm({.x = x, .acc = to.increments.data(), .x_out = b.x_mid.data()}, b.ffn_in, c);
}

void Forward::activate(int block, const int32_t* sums, const Noise& noise, Activations& to) const {
  const Matrix& w = model_.at(Stage::ffn1, block);
  Activations::Block& b = to.blocks[block];
  if (model_.shape.activation == Activation::relu2) {
    relu2_({.rows = to.chunk.rows(),
            .n = w.n,
            .unit = w.scale * 4,  // the square root of kActivationUnit
            .step = noise.step,
            .acc = sums,
            .noise = noise.bits,
            .with_noise = noise.bits != nullptr,
            .with_steps = noise.steps != nullptr,
            .share = noise.share,
            .steps = noise.steps,
            .h = b.hidden.data()});
    return;
  }
  // This op takes no noise: it is added to the sums before, which a lane does not need again.
  if (noise.bits) {
    if (!noise.steps) std::fill_n(to.steps.data(), to.chunk.rows(), noise.step);
    add_noise_({.rows = to.chunk.rows(),
                .n = w.n,
                .share = noise.share,
                .acc = sums,
                .step = noise.steps ? noise.steps : to.steps.data(),
                .e = noise.bits,
                .y = b.ffn1_sums.data()});
    sums = b.ffn1_sums.data();
  }
  gelu_({.rows = to.chunk.rows(),
         .cols = w.n,
         .sum_scale = w.scale,
         .out_scale = kActivationUnit,
         .sum = sums,
         .y = b.hidden.data()});
}

void Forward::hidden(int block, const int32_t* sums, const Noise& noise, Activations& to) const {
  Activations::Block& b = to.blocks[block];
  activate(block, sums, noise, to);
  const Matrix& w2 = model_.at(Stage::ffn2, block);
  multiply(w2, b.hidden.data(), to.chunk.rows(), w2.k, b.ffn2_sums.data(), to);
}

void Forward::add(int block, const int8_t* x, const int32_t* sums, const Noise& noise,
                  Activations& to) const {
  const Config& r = model_.shape;
  const bool last = block + 1 == r.blocks;
  int8_t* out = last ? to.x_out.data() : to.blocks[block + 1].x_in.data();
  const Inputs& next = last      ? to.head_in
                       : r.mixer ? to.blocks[block + 1].mixer_in
                                 : to.blocks[block + 1].ffn_in;
  norm({.scale = model_.at(Stage::ffn2, block).scale * r.ffn_scale * float(r.residual_unit),
        .step = noise.step,
        .x = x,
        .acc = sums,
        .noise = noise.bits,
        .share = noise.share,
        .steps = noise.steps,
        .x_out = out},
       next, to.chunk);
}

void Forward::losses(const int32_t* sums, const uint8_t* targets, bool gradient, Activations& to,
                     const Noise& noise) const {
  cross_entropy_({.rows = to.chunk.rows(),
                  .symbols = model_.symbols,
                  .source = cross_entropy::Source::s32,
                  .ld = model_.padded_symbols,
                  .ld_gradient = gradient ? model_.padded_symbols : 0,
                  .biased = true,
                  .scale = model_.matrices.back().scale,
                  .sums = sums,
                  .bias = model_.bias.data(),
                  .with_noise = noise.bits != nullptr,
                  .share = noise.share,
                  .noise = noise.bits,
                  .steps = noise.steps,
                  .target = targets,
                  .loss = to.loss.data(),
                  .gradient = gradient ? to.gradient.data() : nullptr});
}

void Forward::head_losses(const uint8_t* targets, Activations& to, const Noise& noise) const {
  const Matrix& w = model_.at(Stage::head, 0);
  if (w.format == WeightFormat::bf16) {
    head_sums(to, to);
    losses(to.head_sums.data(), targets, false, to, noise);
    return;
  }
  head_losses_({.rows = to.chunk.rows(),
                .symbols = model_.symbols,
                .k = w.k,
                .lda = to.head_in.width,
                .a = to.head_in.data.data(),
                .b = w.weight.data(),
                .biased = true,
                .scale = w.scale,
                .bias = model_.bias.data(),
                .with_noise = noise.bits != nullptr,
                .share = noise.share,
                .noise = noise.bits,
                .steps = noise.steps,
                .target = targets,
                .loss = to.loss.data()});
}

void Forward::block(int block, Activations& to) const {
  Activations::Block& b = to.blocks[block];
  const int8_t* x = b.x_in.data();
  if (model_.shape.mixer) {
    mixer_sums(block, to, to);
    mix(block, x, b.mixer_sums.data(), {}, to);
    x = b.x_mid.data();
  }
  ffn1_sums(block, to, to);
  hidden(block, b.ffn1_sums.data(), {}, to);
  add(block, x, b.ffn2_sums.data(), {}, to);
}

void Forward::after(int block, Activations& to) const {
  for (int b = block + 1; b < model_.shape.blocks; ++b) this->block(b, to);
}

void Forward::all(const uint8_t* symbols, Activations& to) const {
  embed(symbols, to);
  after(-1, to);
  head_sums(to, to);
}

}  // namespace nibble::efla_lm
