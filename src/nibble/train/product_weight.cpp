// The weight estimator (EGGROLL): a lane perturbs its matrix, one perturbation per sequence, and
// the sequence's loss credits it. Seeds and one scalar per lane and sequence say all that an update
// needs.
//
//   low rank    W + weight_step * sum over parts of f e^T   f, e: random signs of inputs and
//   outputs full rank   W + weight_step * E                         E: a random sign for each
//   weight
//
// Of the embedding an update of low rank moves the symbols that the sequence has: the loss tells
// nothing of the others. Which these are, the text says.
//
// With more parts than one, each is smaller by the root of their number: at equal sigma every rank
// moves a weight by the same on average.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "nibble/train/product_learner.h"
#include "nibble/train/product_worker.h"

namespace nibble::train {
namespace {

// +1 where the bit is set and -1 elsewhere, eight to a word: each byte keeps its bit of eight
// copies, then its top bit tells whether that was set. None carries into the next.
void expand_signs(uint16_t bits, int8_t* signs) {
  static_assert(std::endian::native == std::endian::little);
  constexpr uint64_t kOnes = 0x0101010101010101u;
  for (int half = 0; half < 2; ++half) {
    const uint64_t own = (bits >> 8 * half & 255) * kOnes & 0x8040201008040201u;
    const uint64_t set = (own + 0x7f * kOnes) >> 7 & kOnes;
    const uint64_t word = ~(set * 0xfe);
    std::memcpy(signs + 8 * half, &word, sizeof word);
  }
}

// Zero where no symbol is.
void keep_only(std::span<const uint8_t> symbols, std::span<int8_t> x) {
  std::array<bool, 256> there = {};
  for (const uint8_t s : symbols) there[s] = true;
  for (size_t i = 0; i < x.size(); ++i)
    if (!there[i]) x[i] = 0;
}

}  // namespace

// Of each part of a lane: signs e of the outputs [sequences][n / 16], behind them f of the inputs
// [sequences][k / 16].
const uint16_t* ProductLearner::outputs(const Worker& w, const Matrix& m, int lane,
                                        int part) const {
  return noise_of(w, m, lane) + part * (lane_noise(m, w.clean.chunk) / parts());
}
const uint16_t* ProductLearner::inputs(const Worker& w, const Matrix& m, int lane, int part) const {
  return outputs(w, m, lane, part) + int64_t(w.clean.chunk.sequences) * m.n / 16;
}

// What a lane adds to the sums of a matrix, from what the matrix reads. The last part is returned
// for those to add who read the sums; the others are added to a copy of the sums.
Noise ProductLearner::perturb(Worker& w, const Activations& from, const Matrix& m, int lane,
                              const int32_t*& sums) const {
  if (full_rank()) return perturb_fully(w, from, m, lane, sums);
  const Chunk& c = w.clean.chunk;
  const Source in = source(from, m);
  for (int part = 0; part < parts(); ++part)
    for (int s = 0; s < c.sequences; ++s)
      rank1_({.rows = c.length,
              .k = m.k,
              .ldx = in.ld,
              .unit = trained(m).weight_step * m.code_scale,
              .x = in.data + int64_t(s) * (c.length + m.gap) * in.ld,
              .f = inputs(w, m, lane, part) + int64_t(s) * m.k / 16,
              .step = w.steps.data() + int64_t(part) * c.rows() + int64_t(s) * c.length});
  const int last = parts() - 1;
  if (last > 0) {
    low_rank_({.rows = c.rows(),
               .n = m.n,
               .parts = last,
               .share = c.length,
               .ld = outputs(w, m, lane, 1) - outputs(w, m, lane, 0),
               .acc = sums,
               .step = w.steps.data(),
               .e = outputs(w, m, lane, 0),
               .y = w.perturbed.data()});
    sums = w.perturbed.data();
  }
  return {.bits = outputs(w, m, lane, last),
          .steps = w.steps.data() + int64_t(last) * c.rows(),
          .share = c.length};
}

// All of it is added to a copy of the sums: its signs are [sequences][k][n].
Noise ProductLearner::perturb_fully(Worker& w, const Activations& from, const Matrix& m, int lane,
                                    const int32_t*& sums) const {
  const Chunk& c = w.clean.chunk;
  const Source in = source(from, m);
  for (int s = 0; s < c.sequences; ++s) {
    const int64_t at = int64_t(s) * c.length * m.n;
    sign_noise_({.rows = c.length,
                 .n = m.n,
                 .k = m.k,
                 .ldx = in.ld,
                 .unit = trained(m).weight_step * m.code_scale,
                 .x = in.data + int64_t(s) * (c.length + m.gap) * in.ld,
                 .e = noise_of(w, m, lane) + s * sign_words(m.k, m.n),
                 .acc = sums + at,
                 .y = w.perturbed.data() + at});
  }
  sums = w.perturbed.data();
  return {};
}

int32_t* ProductLearner::weight_credits(const Matrix& m, int lane, int chunk) const {
  const int64_t row = int64_t(chunk) * lanes_ + trained(m).first_lane + lane;
  return weight_credits_.data() + row * chunk_.sequences;
}

// The gradient's share of a chunk from its credits and its noise alone.
void ProductLearner::collect_by_weight(Worker& w, size_t matrix, int worker, int chunk) {
  if (full_rank()) return collect_fully(w, matrix, worker, chunk);
  const Matrix& m = model_.matrices[matrix];
  const Trained& t = trained_[matrix];
  const Chunk& c = w.clean.chunk;
  const Pending& p = w.pending[matrix];
  int8_t* x = p.x.data() + p.rows * m.k;
  int8_t* z = next_z(w, matrix);
  for (int l = 0; l < t.lanes; ++l)
    for (int part = 0; part < parts(); ++part) {
      for (int s = 0; s < c.sequences; ++s) {
        const uint16_t* f = inputs(w, m, l, part) + int64_t(s) * m.k / 16;
        for (int k = 0; k < m.k; k += 16) expand_signs(f[k / 16], x + k);
        if (m.stage == Stage::embedding)
          keep_only({w.symbols.data() + s * c.length, size_t(c.length)}, {x, size_t(m.k)});
        x += m.k;
      }
      credit_noise_({.rows = c.sequences,
                     .n = m.n,
                     .lanes = 1,
                     .lane_rows = c.sequences,
                     .shift = credit_shift_[int64_t(matrix)],
                     .ldz = m.n,
                     .ld_noise = m.n / 16,
                     .credit = weight_credits(m, l, chunk),
                     .noise = outputs(w, m, l, part),
                     .z = z,
                     .magnitude = w.magnitude.data() + matrix});
      for (int s = 0; s < c.sequences; ++s, z += m.n)
        std::memset(z + m.outputs, 0, size_t(m.n - m.outputs));
    }
  append(w, matrix, factor_rows(m, c), worker);
}

void ProductLearner::collect_fully(Worker& w, size_t matrix, int worker, int chunk) {
  const Matrix& m = model_.matrices[matrix];
  const Trained& t = trained_[matrix];
  const int sequences = w.clean.chunk.sequences;
  int32_t* credits = w.credit_own.data();  // lane after lane, as the noise
  for (int l = 0; l < t.lanes; ++l)
    std::copy_n(weight_credits(m, l, chunk), sequences, credits + l * sequences);
  sign_credit_({.perturbations = t.lanes * sequences,
                .k = m.k,
                .n = m.n,
                .columns = m.outputs,
                .shift = credit_shift_[int64_t(matrix)],
                .credit = credits,
                .e = noise_of(w, m, 0),
                .g = t.grad.data() + worker * m.size(),
                .magnitude = w.magnitude.data() + matrix});
}

}  // namespace nibble::train
