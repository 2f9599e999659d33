// Private to this folder: the rows, written once for every F32x16.
#pragma once
#include <algorithm>
#include <type_traits>

#include "nibble/cpu/bundle.h"
#include "nibble/numerics/elementary.h"
#include "nibble/ops/cross_entropy/cross_entropy.h"

namespace nibble::cross_entropy {
namespace {

inline constexpr int64_t kRowsPerTask = 64;  // a multiple of 16
inline constexpr int kRows = 16;             // of a block: their sums fill one vector
inline constexpr int kQuarter = 4;           // rows of a pack, and columns of each
inline constexpr int kMaxBlocks = int(kRowsPerTask) / kRows;

// A pack: up to four columns behind the last whole sixteen, of four rows, row r's in quarter r. 65
// symbols then take 4 vectors a row and one for four rows. cpu_avx512.cpp alone has them.
template <class V>
struct Packs {
  static constexpr bool exist = false;
};

struct Shape {
  int whole;    // columns in whole sixteens
  bool packed;  // the columns behind them stand in packs of four rows
  int padded;   // columns of a row of l
  int blocks;   // that fit into l

  template <class V>
  Shape(const Args& a, Packs<V>)
      : whole(a.symbols / 16 * 16),
        packed(Packs<V>::exist && a.ld_gradient == 0 && whole > 0 && a.symbols != whole &&
               a.symbols - whole <= kQuarter),
        padded(packed ? whole : (a.symbols + 15) / 16 * 16),
        blocks(std::min(kMaxBlocks, kMaxSymbols / padded)) {}
};

// What one block keeps from its logits to its losses.
template <class V>
struct Block {
  int64_t first;                                  // row
  int rows;                                       // 1..16: a short block repeats its last one
  int64_t noise_row;                              // of its first row
  float* l;                                       // logits, then exponentials if they are wanted
  alignas(64) float packs[kRows / kQuarter][16];  // likewise of the columns that are packed
  alignas(64) float of_target[kRows] = {};
  alignas(64) float tops[kRows];
  V top, total;

  int64_t row(int i) const { return first + (i < rows ? i : rows - 1); }
};

// math::exp of a finite x <= 0, bit for bit: no upper bound and no NaN to look for.
template <class V>
[[gnu::always_inline]] inline V exp_below_one(const V& x) {
  const V c = max(V(-105.0f), x);
  const V n = fma(c, V(0x1.715476p+0f), V(math::kMagic)) - V(math::kMagic);
  return scale2(V(1.0f) + math::reduced_expm1(c, n), n);
}

// Lane i: the sum, or the maximum, over the lanes of row i. cpu_avx512.cpp has one that reduces all
// rows at once, in the same order.
template <class V>
V sums_of(const V* rows) {
  alignas(64) float sums[kRows];
  for (int i = 0; i < kRows; ++i) sums[i] = sum(rows[i]);
  return V::load(sums);
}
template <class V>
V maxima_of(const V* rows) {
  alignas(64) float maxima[kRows];
  for (int i = 0; i < kRows; ++i) maxima[i] = max_lane(rows[i]);
  return V::load(maxima);
}

// Sums with +step where the bit is set and -step elsewhere, as floats; zeros from `count` on.
// cpu_avx512.cpp has one that adds in a register.
template <class V>
V noisy(V, const int32_t* sums, int count, uint16_t bits, int32_t step) {
  alignas(64) int32_t x[16];
  for (int i = 0; i < count; ++i) x[i] = sums[i] + ((bits >> i & 1) != 0 ? step : -step);
  return V::load_i32(x, count);
}

enum class NoiseOf { none, all, each };  // rows: all read one row of noise, or each its own

// Logits of N rows from row i of the block on to l, padded with -inf to a multiple of 16, and their
// maxima by lanes.
template <class V, int N, Source kSource, NoiseOf kNoise>
void logits_of_rows(const Args& a, const Shape& s, Block<V>& b, int i, const float* bias,
                    V* lanes) {
  const V scale(a.scale);
  const int whole = s.whole, padded = s.padded;
  const float* logits[N];
  const int32_t* sums[N];
  const uint16_t* bits[N];
  int32_t step[N];
  V top[N];
  cpu::unrolled<N>([&](auto r) {
    const int64_t row = b.row(i + r);
    top[r] = V(-INFINITY);
    logits[r] = a.logits + (kSource == Source::f32 ? row * a.ld : 0);
    sums[r] = a.sums + (kSource == Source::s32 ? row * a.ld : 0);
    const int64_t noise_row = kNoise == NoiseOf::all ? b.noise_row : row / a.share;
    bits[r] = kNoise == NoiseOf::none ? nullptr : a.noise + noise_row * ((a.symbols + 15) / 16);
    step[r] = kNoise == NoiseOf::none ? 0 : a.steps[row];
  });
  float* l = b.l + i * padded;
  const auto sixteen = [&](int j, int count) __attribute__((always_inline)) {
    const V more = V::load(bias + j);
    const uint16_t word = kNoise == NoiseOf::all ? bits[0][j / 16] : 0;
    cpu::unrolled<N>([&](auto r) __attribute__((always_inline)) {
      V x;
      if constexpr (kNoise != NoiseOf::none)
        x = noisy(V(), sums[r] + j, count, kNoise == NoiseOf::all ? word : bits[r][j / 16],
                  step[r]);
      else if constexpr (kSource == Source::f32)
        x = V::load(logits[r] + j, count);
      else
        x = V::load_i32(sums[r] + j, count);
      const V logit = fma(x, scale, more);  // missing columns: 0 * scale - inf
      logit.store(l + r * padded + j);
      top[r] = max(top[r], logit);
    });
  };
  for (int j = 0; j != whole; j += 16) sixteen(j, 16);
  if (padded != whole) sixteen(whole, a.symbols - whole);
  if constexpr (Packs<V>::exist) {
    if (s.packed) {
      const int count = a.symbols - whole;
      unsigned plus = 0;
      cpu::unrolled<N>([&](auto r) __attribute__((always_inline)) {
        if constexpr (kNoise != NoiseOf::none)
          plus |= (bits[kNoise == NoiseOf::all ? 0 : int(r)][whole / 16] & 15u) << kQuarter * r;
      });
      V x;
      if constexpr (kSource == Source::f32)
        x = Packs<V>::load(logits, whole, count);
      else if constexpr (kNoise == NoiseOf::none)
        x = Packs<V>::load(sums, whole, count);
      else
        x = Packs<V>::noisy(sums, whole, count, plus, step);
      const V logit = fma(x, scale, Packs<V>::repeated(bias + whole));
      logit.store(b.packs[i / kQuarter]);
      cpu::unrolled<N>([&](auto r) __attribute__((always_inline)) {
        top[r] = Packs<V>::template with_max<r.value>(top[r], logit);
      });
    }
  }
  cpu::unrolled<N>([&](auto r) { lanes[i + r] = top[r]; });
}

template <class V>
void gradient_of_row(const Args& a, int64_t row, const float* e, float total) {
  const V inverse(1.0f / total);
  float* g = a.gradient + row * a.ld_gradient;
  for (int j = 0; j < a.symbols; j += 16)
    (V::load(e + j) * inverse).store(g + j, a.symbols - j < 16 ? a.symbols - j : 16);
  g[a.target[row]] -= 1.0f;
}

// Logits of a block and their maxima.
template <class V, int kTogether, Source kSource>
void logits_of_block(const Args& a, const Shape& s, const float* bias, Block<V>& b) {
  V lanes[kRows];
  const auto rows = [&](auto noise) {
    for (int i = 0; i < kRows; i += kTogether)
      logits_of_rows<V, kTogether, kSource, decltype(noise)::value>(a, s, b, i, bias, lanes);
  };
  b.noise_row = b.first / a.share;
  if (kSource == Source::f32 || !a.noise)
    rows(std::integral_constant<NoiseOf, NoiseOf::none>());
  else if constexpr (kSource == Source::s32)
    (b.first + b.rows - 1) / a.share == b.noise_row
        ? rows(std::integral_constant<NoiseOf, NoiseOf::all>())
        : rows(std::integral_constant<NoiseOf, NoiseOf::each>());
  b.top = maxima_of(lanes);
  b.top.store(b.tops);
  for (int i = 0; i < b.rows; ++i) {
    const int j = a.target[b.first + i];
    b.of_target[i] = j < s.padded ? b.l[i * s.padded + j]
                                  : b.packs[i / kQuarter][i % kQuarter * kQuarter + j - s.whole];
  }
}

// Sums of the exponentials of a block, kTogether rows in step.
template <class V, int kTogether, bool kKeep>
[[gnu::flatten]] void exponentials(const Shape& s, Block<V>& b) {
  using Rows = cpu::Bundle<V, kTogether>;
  V lanes[kRows], packs[kRows / kQuarter];
  const int padded = s.padded;
  if constexpr (Packs<V>::exist) {
    if (s.packed) {
      using All = cpu::Bundle<V, kRows / kQuarter>;
      const All e = exp_below_one(All::each(
          [&](int q) { return V::load(b.packs[q]) - Packs<V>::each(b.tops + q * kQuarter); }));
      cpu::unrolled<kRows / kQuarter>([&](auto q) { packs[q] = e.v[q]; });
    }
  }
  for (int i = 0; i < kRows; i += kTogether) {
    Rows total(0.0f);
    const Rows most = Rows::each([&](int r) { return V(b.tops[i + r]); });
    float* p = b.l + i * padded;
    for (float* end = p + padded; p != end; p += 16) {
      const Rows x = Rows::each([&](int r) { return V::load(p + r * padded); });
      const Rows e = exp_below_one(x - most);
      total = total + e;
      if constexpr (kKeep) cpu::unrolled<kTogether>([&](auto r) { e.v[r].store(p + r * padded); });
    }
    if constexpr (Packs<V>::exist) {
      if (s.packed)
        cpu::unrolled<kTogether>([&](auto r) __attribute__((always_inline)) {
          total.v[r] = Packs<V>::template with_sum<r.value>(total.v[r], packs[i / kQuarter]);
        });
    }
    cpu::unrolled<kTogether>([&](auto r) { lanes[i + r] = total.v[r]; });
  }
  b.total = sums_of(lanes);
}

template <class V>
void gradient_of_block(const Args& a, const Shape& s, const Block<V>& b) {
  alignas(64) float totals[kRows];
  b.total.store(totals);
  for (int i = 0; i < b.rows; ++i)
    gradient_of_row<V>(a, b.first + i, b.l + i * s.padded, totals[i]);
}

// Blocks of rows, stage by stage: the latency of a block's folds is covered by the next one's
// logits or exponentials.
template <class V, int kTogether, Source kSource>
void blocks_of_rows(const Args& a, const Shape& s, const float* bias, Block<V>* b, int blocks) {
  for (int i = 0; i < blocks; ++i) logits_of_block<V, kTogether, kSource>(a, s, bias, b[i]);
  for (int i = 0; i < blocks; ++i)
    a.ld_gradient ? exponentials<V, kTogether, true>(s, b[i])
                  : exponentials<V, kTogether, false>(s, b[i]);
  for (int i = 0; i < blocks; ++i)
    (math::log(b[i].total + V(a.eps)) - (V::load(b[i].of_target) - b[i].top))
        .store(a.loss + b[i].first, b[i].rows);
  for (int i = 0; i < blocks && a.ld_gradient; ++i) gradient_of_block(a, s, b[i]);
}

template <class V, int kTogether>
void run_rows(const Args& a, const Exec& ex) {
  const Shape s(a, Packs<V>());
  static_assert(!Packs<V>::exist || kTogether == kQuarter);
  parallel_for(ex.pool, a.rows, kRowsPerTask, [&](int64_t begin, int64_t end) {
    alignas(64) float bias[kMaxSymbols], l[kRows * kMaxSymbols];
    const int ends = (a.symbols + 15) / 16 * 16;
    for (int j = 0; j < ends; j += 16)
      (a.biased ? V::load(a.bias + j, std::min(a.symbols - j, 16)) : V(0.0f)).store(bias + j);
    std::fill(bias + a.symbols, bias + ends, -INFINITY);
    for (int64_t at = begin; at < end;) {
      Block<V> b[kMaxBlocks];
      int blocks = 0;
      for (; blocks < s.blocks && at < end; ++blocks, at += kRows)
        b[blocks].first = at, b[blocks].rows = end - at < kRows ? int(end - at) : kRows,
        b[blocks].l = l + blocks * kRows * s.padded;
      a.source == Source::f32 ? blocks_of_rows<V, kTogether, Source::f32>(a, s, bias, b, blocks)
                              : blocks_of_rows<V, kTogether, Source::s32>(a, s, bias, b, blocks);
    }
  });
}

}  // namespace
}  // namespace nibble::cross_entropy
