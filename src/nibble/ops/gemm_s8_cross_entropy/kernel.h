// Private to this folder: sums of a tile to logits, and blocks of rows to losses, written once for
// every F32x16. Tiles, of an ISA's file:
//   V                                   its F32x16
//   kTogether                           rows whose exponentials advance in step
//   floats(x), noisy(x, bits, step)     16 sums as a V; sums with +-step, as I16
//   with_rows(a, begin, end, f)         f(words, x): the rows `begin` to `end` of a, from x on
//   logits(h, words, rows, noise, b, lanes)   all tiles of a block
#pragma once
#include "nibble/cpu/loss_blocks.h"
#include "nibble/cpu/s8_tile.h"
#include "nibble/ops/gemm_s8_cross_entropy/gemm_s8_cross_entropy.h"

namespace nibble::gemm_s8_cross_entropy {
namespace {

static_assert(cross_entropy::kMaxSymbols == cpu::kMaxLossSymbols);
static_assert(gemm_s8::kPanel == cpu::kS8Panel && gemm_s8::kBlock == cpu::kS8Block);

struct Head {
  const Args& a;
  cpu::LossShape s;
  const float* bias;  // padded

  cpu::S8Panels panels(int column) const {
    const int64_t bytes = gemm_s8::panel_bytes(a.k), sums = gemm_s8::sums_offset(a.symbols, a.k);
    return {.first = a.b + column / cpu::kS8Panel * bytes,
            .bytes = bytes,
            .sums = reinterpret_cast<const int32_t*>(a.b + sums) + column,
            .k = a.k};
  }
};

// The rows of a block, R at a time: x is its first row.
struct BlockRows {
  const int8_t* x;
  int64_t ld;
  int last;

  template <int R>
  cpu::S8Rows<R> from(int i) const {
    cpu::S8Rows<R> rows;
    cpu::unrolled<R>([&](auto r) { rows.rows[r] = x + std::min(i + r, last) * ld; });
    return rows;
  }
};

// Where the bits of each row of a block begin, and its step.
struct BlockNoise {
  const uint16_t* bits[cpu::kLossRows];
  int32_t steps[cpu::kLossRows];

  BlockNoise(const Args& a, int64_t first, int last) {
    const int words = (a.symbols + 15) / 16;
    const uint16_t* own = a.noise + first / a.share * words;
    int64_t left = a.share - first % a.share;
    for (int i = 0; i < cpu::kLossRows; ++i) {
      bits[i] = own, steps[i] = a.steps[first + std::min(i, last)];
      if (--left == 0 && i < last) own += words, left = a.share;
    }
  }
};
struct NoNoise {};

// sum(r, p) of R rows from row i and of P panels from `column` on to logits, and `tail` to a pack
// of them. Columns that do not exist have finite sums, and a bias of -inf.
template <class Tiles, int R, int P, bool kTail, class Noise, class V, class Sum,
          class Tail = std::nullptr_t>
[[gnu::always_inline]] inline void logits_of_tile(const Head& h, const Noise& noise,
                                                  cpu::LossBlock<V>& b, int i, int column, V* lanes,
                                                  Sum sum, Tail tail = {}) {
  constexpr bool kNoise = std::is_same_v<Noise, BlockNoise>;
  using cpu::unrolled;
  using Packs = cpu::LossPacks<V>;
  const V scale(h.a.scale);
  const int padded = h.s.padded;
  V top[R];
  unrolled<R>([&](auto r) __attribute__((always_inline)) {
    top[r] = column == 0 ? V(-INFINITY) : lanes[i + r];
  });
  float* l = b.l + i * padded + column;
  unrolled<P>([&](auto p) __attribute__((always_inline)) {
    const V more = V::load(h.bias + column + 16 * p);
    unrolled<R>([&](auto r) __attribute__((always_inline)) {
      cpu::I16 x = sum(r, p);
      if constexpr (kNoise)
        x = Tiles::noisy(x, noise.bits[i + r][column / 16 + p], noise.steps[i + r]);
      const V logit = fma(Tiles::floats(x), scale, more);
      logit.store(l + r * padded + 16 * p);
      top[r] = max(top[r], logit);
    });
  });
  if constexpr (kTail) {
    V x;
    if constexpr (kNoise) {
      unsigned plus = 0;
      unrolled<R>(
          [&](auto r) { plus |= (noise.bits[i + r][column / 16 + P] & 15u) << cpu::kQuarter * r; });
      x = Packs::noisy(tail, plus, noise.steps + i);
    } else {
      x = Tiles::floats({tail});
    }
    const V logit = fma(x, scale, Packs::repeated(h.bias + column + 16 * P));
    logit.store(b.packs[i / cpu::kQuarter]);
    unrolled<R>([&](auto r) __attribute__((always_inline)) {
      top[r] = Packs::template with_max<r.value>(top[r], logit);
    });
  }
  unrolled<R>([&](auto r) { lanes[i + r] = top[r]; });
}

template <class Tiles>
void run_rows(const Args& a, const Exec& ex) {
  using V = typename Tiles::V;
  const cpu::LossShape s = cpu::loss_shape<V>(a.symbols, false);
  parallel_for(ex.pool, a.rows, cpu::kLossRowsPerTask, [&](int64_t begin, int64_t end) {
    alignas(64) float bias[cpu::kMaxLossSymbols];
    cpu::pad_bias<V>(a.bias, a.symbols, bias);
    const Head h{a, s, bias};
    Tiles::with_rows(a, begin, end, [&](auto words, const int8_t* x) {
      cpu::in_loss_blocks<V>(s, begin, end, [&](cpu::LossBlock<V>* b, int blocks) {
        for (int i = 0; i < blocks; ++i) {
          V lanes[cpu::kLossRows];
          const BlockRows rows{x + (b[i].first - begin) * a.lda, a.lda, b[i].rows - 1};
          a.noise ? Tiles::logits(h, words, rows, BlockNoise(a, b[i].first, rows.last), b[i], lanes)
                  : Tiles::logits(h, words, rows, NoNoise(), b[i], lanes);
          cpu::tops_and_targets(s, a.target, lanes, b[i]);
        }
        for (int i = 0; i < blocks; ++i) cpu::exponentials<V, Tiles::kTogether, false>(s, b[i]);
        for (int i = 0; i < blocks; ++i) cpu::store_losses(b[i], a.eps, a.loss);
      });
    });
  });
}

// Where a tile is kRows by one panel: product(panels, rows, sums) of Tiles is s8_tile.
template <class Tiles, class Noise, class V>
void logits_by_panels(const Head& h, const BlockRows& rows, const Noise& noise,
                      cpu::LossBlock<V>& b, V* lanes) {
  constexpr int kRows = Tiles::kRows;
  for (int column = 0; column < h.s.padded; column += cpu::kS8Panel)
    for (int i = 0; i < cpu::kLossRows; i += kRows) {
      cpu::I16 sums[kRows];
      Tiles::product(h.panels(column), rows.from<kRows>(i), sums);
      logits_of_tile<Tiles, kRows, 1, false>(h, noise, b, i, column, lanes,
                                             [&](int r, int) { return sums[r]; });
    }
}

struct AsTheyAre {};  // words: nothing has been done to the rows

}  // namespace
}  // namespace nibble::gemm_s8_cross_entropy
