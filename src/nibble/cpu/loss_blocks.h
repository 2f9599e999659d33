// From logits to cross-entropies (its maths: ops/cross_entropy), for every source of logits and
// every F32x16: blocks of 16 rows, stage by stage. The latency of a block's folds is covered by the
// next one's logits or exponentials.
#pragma once
#include <algorithm>
#include <type_traits>

#include "nibble/cpu/bundle.h"
#include "nibble/numerics/elementary.h"

namespace nibble::cpu {
namespace {

inline constexpr int kMaxLossSymbols = 256;
inline constexpr int64_t kLossRowsPerTask = 64;  // a multiple of 16
inline constexpr int kLossRows = 16;             // of a block: their sums fill one vector
inline constexpr int kQuarter = 4;               // rows of a pack, and columns of each
inline constexpr int kMaxLossBlocks = int(kLossRowsPerTask) / kLossRows;

// A pack: up to four columns behind the last whole sixteen, of four rows, row r's in quarter r. 65
// symbols then take 4 vectors a row and one for four rows. loss_packs_avx512.h alone has them.
template <class V>
struct LossPacks {
  static constexpr bool exist = false;
};

struct LossShape {
  int symbols;
  int whole;    // columns in whole sixteens
  bool packed;  // the columns behind them stand in packs of four rows
  int padded;   // columns of a row of l
  int blocks;   // that fit into l
};
// keep: exponentials are wanted row by row, which packs are not.
template <class V>
LossShape loss_shape(int symbols, bool keep) {
  const int whole = symbols / 16 * 16, rest = symbols - whole;
  const bool packed = LossPacks<V>::exist && !keep && whole > 0 && rest > 0 && rest <= kQuarter;
  const int padded = packed ? whole : (symbols + 15) / 16 * 16;
  return {symbols, whole, packed, padded, std::min(kMaxLossBlocks, kMaxLossSymbols / padded)};
}

// What one block keeps from its logits to its losses.
template <class V>
struct LossBlock {
  int64_t first;                                      // row
  int rows;                                           // 1..16: a short block repeats its last one
  float* l;                                           // logits, then exponentials to be kept
  alignas(64) float packs[kLossRows / kQuarter][16];  // likewise of the columns that are packed
  alignas(64) float of_target[kLossRows] = {};
  alignas(64) float tops[kLossRows];
  V top, total;

  int64_t row(int i) const { return first + (i < rows ? i : rows - 1); }
};

// `bias`, or zeros if it is null, for all columns of a row of l and its pack: those that do not
// exist get -inf.
template <class V>
void pad_bias(const float* bias, int symbols, float* padded) {
  const int ends = (symbols + 15) / 16 * 16;
  for (int j = 0; j < ends; j += 16)
    (bias ? V::load(bias + j, std::min(symbols - j, 16)) : V(0.0f)).store(padded + j);
  std::fill(padded + symbols, padded + ends, -INFINITY);
}

// run(blocks, their number) for as many blocks of the rows [begin, end) at a time as fit into l.
template <class V, class Run>
[[gnu::always_inline]] inline void in_loss_blocks(const LossShape& s, int64_t begin, int64_t end,
                                                  Run run) {
  alignas(64) float l[kLossRows * kMaxLossSymbols];
  for (int64_t at = begin; at < end;) {
    LossBlock<V> b[kMaxLossBlocks];
    int blocks = 0;
    for (; blocks < s.blocks && at < end; ++blocks, at += kLossRows)
      b[blocks].first = at, b[blocks].rows = int(std::min<int64_t>(end - at, kLossRows)),
      b[blocks].l = l + blocks * kLossRows * s.padded;
    run(b, blocks);
  }
}

// Lane i: the sum, or the maximum, over the lanes of row i. fold_avx512.h has one that reduces all
// rows at once, in the same order.
template <class V>
V sums_of(const V* rows) {
  alignas(64) float sums[kLossRows];
  for (int i = 0; i < kLossRows; ++i) sums[i] = sum(rows[i]);
  return V::load(sums);
}
template <class V>
V maxima_of(const V* rows) {
  alignas(64) float maxima[kLossRows];
  for (int i = 0; i < kLossRows; ++i) maxima[i] = max_lane(rows[i]);
  return V::load(maxima);
}

// The end of a block's logits: `lanes` are the maxima of its rows, lane by lane.
template <class V>
[[gnu::always_inline]] inline void tops_and_targets(const LossShape& s, const uint8_t* target,
                                                    const V* lanes, LossBlock<V>& b) {
  b.top = maxima_of(lanes);
  b.top.store(b.tops);
  for (int i = 0; i < b.rows; ++i) {
    const int j = target[b.first + i];
    b.of_target[i] = j < s.padded ? b.l[i * s.padded + j]
                                  : b.packs[i / kQuarter][i % kQuarter * kQuarter + j - s.whole];
  }
}

// math::exp of a finite x <= 0, bit for bit: no upper bound and no NaN to look for.
template <class V>
[[gnu::always_inline]] inline V exp_below_one(const V& x) {
  const V c = max(V(-105.0f), x);
  const V n = fma(c, V(0x1.715476p+0f), V(math::kMagic)) - V(math::kMagic);
  return scale2(V(1.0f) + math::reduced_expm1(c, n), n);
}

// Sums of the exponentials of a block, kTogether rows in step.
template <class V, int kTogether, bool kKeep>
[[gnu::noinline, gnu::flatten]] void exponentials(const LossShape& s, LossBlock<V>& b) {
  using Rows = Bundle<V, kTogether>;
  V lanes[kLossRows], packs[kLossRows / kQuarter];
  const int padded = s.padded;
  if constexpr (LossPacks<V>::exist) {
    if (s.packed) {
      using All = Bundle<V, kLossRows / kQuarter>;
      const All e = exp_below_one(All::each(
          [&](int q) { return V::load(b.packs[q]) - LossPacks<V>::each(b.tops + q * kQuarter); }));
      unrolled<kLossRows / kQuarter>([&](auto q) { packs[q] = e.v[q]; });
    }
  }
  for (int i = 0; i < kLossRows; i += kTogether) {
    Rows total(0.0f);
    const Rows most = Rows::each([&](int r) { return V(b.tops[i + r]); });
    float* p = b.l + i * padded;
    for (float* end = p + padded; p != end; p += 16) {
      const Rows x = Rows::each([&](int r) { return V::load(p + r * padded); });
      const Rows e = exp_below_one(x - most);
      total = total + e;
      if constexpr (kKeep) unrolled<kTogether>([&](auto r) { e.v[r].store(p + r * padded); });
    }
    if constexpr (LossPacks<V>::exist) {
      if (s.packed)
        unrolled<kTogether>([&](auto r) __attribute__((always_inline)) {
          total.v[r] = LossPacks<V>::template with_sum<r.value>(total.v[r], packs[i / kQuarter]);
        });
    }
    unrolled<kTogether>([&](auto r) { lanes[i + r] = total.v[r]; });
  }
  b.total = sums_of(lanes);
}

template <class V>
[[gnu::always_inline]] inline void store_losses(const LossBlock<V>& b, float eps, float* loss) {
  (math::log(b.total + V(eps)) - (V::load(b.of_target) - b.top)).store(loss + b.first, b.rows);
}

}  // namespace
}  // namespace nibble::cpu
