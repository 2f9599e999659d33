// The weight estimator (EGGROLL): a lane perturbs its matrix by rank-1 noise, one perturbation per
// sequence, and the sequence's loss credits it. Seeds and one scalar per lane and sequence say all
// that an update needs.
#include <cstring>

#include "nibble/train/product_learner.h"
#include "nibble/train/product_worker.h"

namespace nibble::train {
namespace {

// +1 where the bit is set and -1 elsewhere, eight to a word: each byte keeps its bit of eight
// copies, then its top bit tells whether that was set. None carries into the next.
void expand_signs(uint16_t bits, int8_t* signs) {
  constexpr uint64_t kOnes = 0x0101010101010101u;
  for (int half = 0; half < 2; ++half) {
    const uint64_t own = (bits >> 8 * half & 255) * kOnes & 0x8040201008040201u;
    const uint64_t set = (own + 0x7f * kOnes) >> 7 & kOnes;
    const uint64_t word = ~(set * 0xfe);
    for (int i = 0; i < 8; ++i) signs[8 * half + i] = int8_t(word >> 8 * i);
  }
}

}  // namespace

// Of a lane: signs e of the outputs [sequences][n / 16], behind them f of the inputs [sequences][k
// / 16].
const uint16_t* ProductLearner::inputs(const Worker& w, const Matrix& m, int lane) const {
  return noise_of(w, m, lane) + int64_t(w.clean.chunk.sequences) * m.n / 16;
}

// The sums of a perturbed matrix, from what the clean pass kept.
void ProductLearner::perturb(Worker& w, const Matrix& m, int lane, const Source& in,
                             const int32_t* sums, int32_t* perturbed) const {
  const Chunk& c = w.clean.chunk;
  for (int s = 0; s < c.sequences; ++s) {
    const int64_t at = int64_t(s) * c.length * m.n;
    rank1_({.rows = c.length,
            .k = m.k,
            .n = m.n,
            .ldx = in.ld,
            .unit = trained(m).weight_step * m.code_scale,
            .x = in.data + int64_t(s) * (c.length + m.gap) * in.ld,
            .e = noise_of(w, m, lane) + int64_t(s) * m.n / 16,
            .f = inputs(w, m, lane) + int64_t(s) * m.k / 16,
            .acc = sums + at,
            .y = perturbed + at});
  }
}

void ProductLearner::run_weight_lane(Worker& w, const Matrix& m, int lane) const {
  const int b = m.block;
  const Source in = source(w.clean, m);
  if (m.stage == Stage::head) {
    perturb(w, m, lane, in, w.clean.head_sums.data(), w.lane.head_sums.data());
  } else {
    const Activations::Block& clean = w.clean.blocks[size_t(b)];
    Activations::Block& own = w.lane.blocks[size_t(b)];
    const int8_t* x_mid = model_.shape.mixer ? clean.x_mid.data() : clean.x_in.data();
    if (m.stage == Stage::mixer) {
      perturb(w, m, lane, in, clean.mixer_sums.data(), own.mixer_sums.data());
      forward_.mix(b, clean.x_in.data(), own.mixer_sums.data(), {}, w.lane);
      forward_.ffn1_sums(b, w.lane, w.lane);
      forward_.hidden(b, own.ffn1_sums.data(), {}, w.lane);
      x_mid = own.x_mid.data();
    } else if (m.stage == Stage::ffn1) {
      perturb(w, m, lane, in, clean.ffn1_sums.data(), own.ffn1_sums.data());
      forward_.hidden(b, own.ffn1_sums.data(), {}, w.lane);
    } else {
      perturb(w, m, lane, in, clean.ffn2_sums.data(), own.ffn2_sums.data());
    }
    forward_.add(b, x_mid, own.ffn2_sums.data(), {}, w.lane);
    forward_.after(b, w.lane);
  }
  forward_.losses(w.lane.head_sums.data(), w.targets.data(), false, w.lane);
}

int32_t* ProductLearner::weight_credits(const Matrix& m, int lane, int chunk) const {
  const int64_t row = int64_t(chunk) * lanes_ + trained(m).first_lane + lane;
  return weight_credits_.data() + row * chunk_.sequences;
}

void ProductLearner::credit_by_weight(Worker& w, const Matrix& m, int chunk) const {
  const Chunk& c = w.clean.chunk;
  const int lanes = trained(m).lanes;
  float* difference = w.differences.data();
  for (int l = 0; l < lanes; ++l) {
    run_weight_lane(w, m, l);
    for (int s = 0; s < c.sequences; ++s, ++difference) {
      *difference = 0;
      for (int r = s * c.length; r < (s + 1) * c.length; ++r)
        *difference += w.lane.loss[r] - w.clean.loss[r];
    }
  }
  shape_differences({w.differences.data(), size_t(lanes) * size_t(c.sequences)});
  difference = w.differences.data();
  for (int l = 0; l < lanes; ++l)
    for (int s = 0; s < c.sequences; ++s)
      weight_credits(m, l, chunk)[s] = fixed_point(*difference++);
}

// The gradient's share of a chunk from its credits and its noise alone.
void ProductLearner::collect_by_weight(Worker& w, size_t matrix, int worker, int chunk) {
  const Matrix& m = model_.matrices[matrix];
  const Trained& t = trained_[matrix];
  const Chunk& c = w.clean.chunk;
  const Pending& p = w.pending[matrix];
  int8_t* x = p.x.data() + p.rows * m.k;
  int8_t* z = next_z(w, matrix);
  for (int l = 0; l < t.lanes; ++l) {
    for (int s = 0; s < c.sequences; ++s) {
      const uint16_t* f = inputs(w, m, l) + int64_t(s) * m.k / 16;
      for (int k = 0; k < m.k; k += 16, x += 16) expand_signs(f[k / 16], x);
    }
    const int64_t row = int64_t(l) * c.sequences;
    credit_noise_({.rows = c.sequences,
                   .n = m.n,
                   .lanes = 1,
                   .lane_rows = c.sequences,
                   .shift = credit_shift_[int64_t(matrix)],
                   .ldz = m.n,
                   .ld_noise = m.n / 16,
                   .credit = weight_credits(m, l, chunk),
                   .noise = noise_of(w, m, l),
                   .z = z + row * m.n,
                   .magnitude = w.magnitude.data() + matrix});
    for (int s = 0; s < c.sequences && m.outputs < m.n; ++s)
      std::memset(z + (row + s) * m.n + m.outputs, 0, size_t(m.n - m.outputs));
  }
  append(w, matrix, int64_t(t.lanes) * c.sequences, worker);
}

}  // namespace nibble::train
