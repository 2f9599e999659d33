// Inputs of dual dense products, for the cases of ops.
#pragma once
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "nibble/numerics/dense_cases.h"

namespace nibble {

// gate and up from next(row), called for every element.
template <class Args, class Next>
void fill_gate_and_up(Args& a, Next next) {
  using T = typename Args::Element;
  std::vector<T> w(size_t(a.n) * size_t(a.k));
  for (const T* to : {a.gate, a.up}) {
    for (size_t i = 0; i < w.size(); ++i) put(w[i], next(int(i / size_t(a.k))));
    pack_dense(w.data(), a.k, a.n, a.k, writable(to));
  }
}
// x from next(token), what lies between rows too. y between rows is kept.
template <class Args, class Next>
void fill_tokens(Args& a, Next next) {
  for (int64_t i = 0; i < (a.m - 1) * a.ldx + a.k; ++i) put(writable(a.x)[i], next(i / a.ldx));
  for (int64_t i = 0; i < (a.m - 1) * a.ldy + a.n; ++i) a.y[i] = -77;
}

template <class Args>
void fill_dual_random(Args& a, Random& rng) {
  fill_gate_and_up(a, [&](int) { return rng.uniform(-1, 1); });
  fill_tokens(a, [&](int64_t) { return rng.uniform(-1, 1); });
}

// Integers, those of token i halved i % 10 times: sums are exact in any order, and gates are from
// 2^-9, where silu is a half of its argument, to thousands, where it is all of it or nothing.
template <class Args>
void fill_dual_integers(Args& a, Random& rng) {
  const auto integer = [&] { return float(int(rng.below(17)) - 8); };
  fill_gate_and_up(a, [&](int) { return integer(); });
  fill_tokens(a, [&](int64_t i) { return std::ldexp(integer(), -int(i % 10)); });
}

// Sums that reach the last exact integers, 255 * 255 * 258 < 2^24, or cancel to nothing on the way;
// of odd tokens they are of one sign and small enough for exp.
template <class Args>
void fill_dual_worst(Args& a, Random& rng) {
  fill_gate_and_up(a, [&](int) { return 255.0f; });
  fill_tokens(a, [&](int64_t i) {
    return i % 2 == 1 ? std::ldexp(255.0f, -18) : rng.below(2) == 0 ? -255.0f : 255.0f;
  });
}

// As fill_dense_subnormal() of gate and of up.
template <class Args>
void fill_dual_subnormal(Args& a, Random& rng) {
  const auto large = [&] { return rng.below(2) == 0 ? 0x1p120f : -0x1p120f; };
  const auto small = [&] {
    const float unit = rng.below(3) == 0 ? 0x1p-133f : 0x1p-120f;
    return unit * float(int(rng.below(255)) - 127);
  };
  const bool small_x = rng.below(2) == 0;
  fill_gate_and_up(a, [&](int) { return small_x ? large() : small(); });
  fill_tokens(a, [&](int64_t) { return small_x ? small() : large(); });
}

// NaN and infinities in every third row of gate and of up and in every fourth token: in their
// results and in no others.
template <class Args>
void fill_dual_special(Args& a, Random& rng) {
  const auto some = [&](bool special) {
    constexpr float kOdd[] = {NAN, INFINITY, -INFINITY};
    return special && rng.below(uint64_t(a.k)) == 0 ? kOdd[rng.below(3)]
                                                    : float(int(rng.below(17)) - 8);
  };
  fill_gate_and_up(a, [&](int row) { return some(row % 3 == 1); });
  fill_tokens(a, [&](int64_t i) { return some(i % 4 == 2); });
}

template <class Args>
std::vector<Case<Args>> dense_dual_cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  const auto add = [&](const std::string& kind, int m, int n, int k, auto fill, bool bench = false,
                       int more = 0) {
    all.push_back({.name = kind + "m" + std::to_string(m) + "_n" + std::to_string(n) + "_k" +
                           std::to_string(k),
                   .args = {.m = m, .n = n, .k = k, .ldx = k + more, .ldy = n + more},
                   .seed = seed++,
                   .fill = fill,
                   .bench = bench});
  };
  for (int m : {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14, 15, 29})
    for (int k : {1, 67}) {
      const std::array n = {1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 97};
      add("", m, n[seed % n.size()], k, fill_dual_integers<Args>, false, int(seed % 3));
    }
  for (int n : {1, 31, 32, 33, 64, 129})
    for (int m : {1, 2, 5}) add("random_", m, n, 130, fill_dual_random<Args>);
  add("blocks_", 15, 33, 515, fill_dual_integers<Args>, false, 5);
  add("random_blocks_", 29, 40, 1030, fill_dual_random<Args>);
  add("many_strips_", 119, 70, 9, fill_dual_integers<Args>);
  add("many_panels_", 3, 290, 20, fill_dual_integers<Args>);
  add("many_rows_", kDenseRowsAtOnce + 1, 3, 5, fill_dual_integers<Args>);
  add("worst_", 1, 65, 258, fill_dual_worst<Args>);
  add("worst_", 9, 33, 258, fill_dual_worst<Args>);
  for (int m : {1, 9, 30}) add("special_", m, 40, 35, fill_dual_special<Args>);
  if (!std::is_same_v<typename Args::Element, fp16>)  // which holds no such values
    for (int n : {40, 41, 42}) add("subnormal_", 7, n, 33, fill_dual_subnormal<Args>);
  for (auto [m, n] : {std::array{1, 4096}, {1, 14336}, {8, 4096}, {128, 4096}, {512, 4096}})
    add("bench_", m, n, 4096, fill_dual_random<Args>, true);
  return all;
}

}  // namespace nibble
