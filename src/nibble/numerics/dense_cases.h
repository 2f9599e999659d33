// Inputs of dense products, for the cases of ops.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/numerics/dense_panel.h"

namespace nibble {

inline void put(float& to, float v) { to = v; }
inline void put(bf16& to, float v) { to = to_bf16(v); }
inline void put(fp16& to, float v) { to = to_fp16(v); }
constexpr float to_float(float v) { return v; }

// x and w from next(), called for every element; what lies between rows of x too.
template <class Args, class Next>
void fill_dense(Args& a, Next next) {
  using T = typename Args::Element;
  for (int64_t i = 0; i < (a.m - 1) * a.ldx + a.k; ++i) put(writable(a.x)[i], next());
  std::vector<T> w(size_t(a.n) * size_t(a.k));
  for (T& v : w) put(v, next());
  pack_dense(w.data(), a.k, a.n, a.k, writable(a.w));
  for (int64_t i = 0; i < (a.m - 1) * a.ldy + a.n; ++i) a.y[i] = -77;  // columns between are kept
}

template <class Args>
void fill_dense_random(Args& a, Random& rng) {
  fill_dense(a, [&] { return rng.uniform(-1, 1); });
}

// Integers whose sums are exact in any order: an operand read twice, left out or from a wrong place
// is at least 1 of difference.
template <class Args>
void fill_dense_integers(Args& a, Random& rng) {
  fill_dense(a, [&] { return float(int(rng.below(17)) - 8); });
}

// Sums that reach the last exact integers, 255 * 255 * 258 < 2^24, or cancel to nothing on the way:
// a product or a partial sum that is rounded to less than 24 bits is seen.
template <class Args>
void fill_dense_worst(Args& a, Random& rng) {
  fill_dense(a, [&] { return 255.0f; });
  for (int64_t i = 0; i < a.m; i += 2)
    for (int64_t k = 0; k < a.k; ++k)
      put(writable(a.x)[i * a.ldx + k], rng.below(2) == 0 ? -255.0f : 255.0f);
}

// One operand is +-2^120; of the other a third are subnormals of bf16, which gemm_bf16 takes for
// zeros and which would be seen if it did not, and the rest make products that are integers.
template <class Args>
void fill_dense_subnormal(Args& a, Random& rng) {
  const auto large = [&] { return rng.below(2) == 0 ? 0x1p120f : -0x1p120f; };
  const auto small = [&] {
    const float unit = rng.below(3) == 0 ? 0x1p-133f : 0x1p-120f;
    return unit * float(int(rng.below(255)) - 127);
  };
  const bool small_x = rng.below(2) == 0;
  fill_dense(a, [&] { return small_x ? large() : small(); });
  for (int64_t i = 0; i < (a.m - 1) * a.ldx + a.k; ++i)
    put(writable(a.x)[i], small_x ? small() : large());
}

template <class Args>
std::vector<Case<Args>> dense_cases() {
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
    for (int k : {1, 2, 67}) {
      const std::array n = {1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 97};
      add("", m, n[seed % n.size()], k, fill_dense_integers<Args>, false, int(seed % 3));
    }
  for (int n : {1, 31, 32, 33, 64, 129})
    for (int m : {1, 2, 5}) add("random_", m, n, 130, fill_dense_random<Args>);
  add("blocks_", 15, 33, 515, fill_dense_integers<Args>, false, 5);
  add("random_blocks_", 29, 40, 1030, fill_dense_random<Args>);
  add("many_strips_", 119, 5, 9, fill_dense_integers<Args>);
  add("many_panels_", 3, 290, 20, fill_dense_integers<Args>);
  add("many_rows_", kDenseRowsAtOnce + 6, 3, 5, fill_dense_integers<Args>);
  add("worst_", 1, 65, 258, fill_dense_worst<Args>);
  add("worst_", 9, 33, 258, fill_dense_worst<Args>);
  if (!std::is_same_v<typename Args::Element, fp16>)  // which holds no such values
    for (int n : {40, 41, 42}) add("subnormal_", 7, n, 33, fill_dense_subnormal<Args>);
  for (auto [m, n] : {std::array{1, 4096}, {1, 14336}, {8, 4096}, {128, 4096}, {512, 4096}})
    add("bench_", m, n, 4096, fill_dense_random<Args>, true);
  return all;
}

}  // namespace nibble
