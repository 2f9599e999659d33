// Inputs of products of int8 tokens with panels of whole codes, for the cases of ops.
#pragma once
#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/numerics/panel_layout.h"

namespace nibble {

template <class Args, auto kLayout, int kMaxK>
struct S8ProductCases {
  // All bytes, also in the padding of panels; factors as packers write them. What is timed: a
  // subnormal product is 30 ns in microcode, and one in 28 rows a tenth of a token's time.
  static void fill_written(Args& a, Random& rng) {
    for (int64_t i = 0; i < kLayout.bytes(a.n, a.k); ++i) writable(a.w)[i] = uint8_t(rng.next32());
    fill_i8(a.x, (a.m - 1) * a.ldx + a.k, rng, -128, 127);
    fill_f32(a.w_scale, a.n, rng, -1e-2f, 1e-2f);
    fill_f32(a.x_scale, a.m, rng, -1, 1);
    fill_f32(a.y, (a.m - 1) * a.ldy + a.n, rng);
  }
  // Factors of any size and sign.
  static void fill_random(Args& a, Random& rng) {
    fill_written(a, rng);
    constexpr float kFew[] = {0.0f, -0.0f, 0x1p-140f, 3e38f};
    for (int64_t j = 5; j < a.n; j += 7) writable(a.w_scale)[j] = kFew[rng.below(4)];
  }
  // Factors that round: sums beyond 2^24 and what they are multiplied by.
  static void fill_ones(Args& a, Random& rng) {
    fill_f32(a.w_scale, a.n, rng, 0.5f, 1);
    fill_f32(a.x_scale, a.m, rng, 0.5f, 1);
    fill_f32(a.y, (a.m - 1) * a.ldy + a.n, rng);
  }
  // Pairs of a batch differ.
  template <Args (*entry)(Args, int64_t), void (*fill)(Args&, Random&)>
  static void fill_each(Args& a, Random& rng) {
    for (int64_t l = 0; l < a.batch; ++l) {
      Args one = entry(a, l);
      fill(one, rng);
    }
  }
  // With fill_worst and fill_mixed of the op, and so many columns of 512 rows that stay in L2.
  template <Args (*entry)(Args, int64_t)>
  static std::vector<Case<Args>> cases(void (*fill_worst)(Args&, Random&),
                                       void (*fill_mixed)(Args&, Random&),
                                       std::initializer_list<int> in_l2) {
    std::vector<Case<Args>> all;
    uint64_t seed = 1;
    const auto add = [&](std::string name, int64_t m, int n, int k, void (*fill)(Args&, Random&),
                         int batch = 1) {
      const std::string shape = "m" + std::to_string(m) + "_n" + std::to_string(n) + "_k" +
                                std::to_string(k) + (batch > 1 ? "_l" + std::to_string(batch) : "");
      all.push_back({.name = name == "bench" ? name + "_" + shape
                             : name.empty()  ? shape
                                             : name,
                     .args = {.batch = batch,
                              .m = m,
                              .n = n,
                              .k = k,
                              .ldx = k + int(seed % 3),
                              .ldy = n + int(seed % 2)},
                     .seed = seed,
                     .fill = fill,
                     .bench = name == "bench"});
      ++seed;
    };
    // Rows around a tile of activations, with the odd panel and odd columns.
    for (int m : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 25}) {
      add("", m, 33, 130, fill_random);
      add("", m, 17, 64, fill_random);
    }
    for (int n : {1, 15, 16, 31, 32, 63, 64, 65}) {
      add("", 1, n, 70, fill_random);
      add("", 13, n, 70, fill_random);
    }
    for (int k : {1, 3, 16, 63, 65, 127, 128, 192, 1000}) {
      add("", 1, 18, k, fill_random);
      add("", 14, 18, k, fill_random);
    }
    add("blocks", 100, 7, 11000, fill_random);  // more rows than a block of them has
    add("worst", 1, 2, kMaxK, fill_worst);
    add("worst_tile", 13, 33, 300, fill_worst);
    add("mixed", 13, 33, 300, fill_mixed);
    // A GPU's: long sums, few rows of weights so that K is split, and tokens in passes.
    add("split_even", 1, 40, 9216, fill_random);
    add("split_odd", 5, 70, 2600, fill_random);
    add("split_eight", 8, 19, 5000, fill_random);
    add("panels", 1, 6100, 20, fill_random);  // several panels a block
    // One after the other on the CPU; on a GPU beside each other, with K split and whole.
    add("batch", 3, 33, 130, fill_each<entry, fill_random>, 3);
    add("batch_split", 8, 19, 2500, fill_each<entry, fill_random>, 2);
    add("batch_panels", 1, 600, 70, fill_each<entry, fill_random>, 5);
    add("bench", 1, 4096, 4096, fill_written);
    add("bench", 1, 14336, 4096, fill_written);
    add("bench", 2, 4096, 4096, fill_written);
    add("bench", 8, 4096, 4096, fill_written);
    add("bench", 16, 4096, 4096, fill_written);
    add("bench", 128, 4096, 4096, fill_written);
    add("bench", 512, 4096, 4096, fill_written);
    for (int k : in_l2) add("bench", 1, 512, k, fill_written);
    // What GPUs are timed with.
    for (int m : {1, 8}) add("bench", m, 7168, 16384, fill_written);
    add("bench", 1, 4096, 7168, fill_written);
    add("bench", 1, 7168, 2048, fill_written);
    add("bench", 1, 7168, 2048, fill_each<entry, fill_written>, 4);
    return all;
  }
};

}  // namespace nibble
