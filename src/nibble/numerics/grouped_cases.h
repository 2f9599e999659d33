// Shapes of products of groups of tokens, for the cases of ops. Fills says of an op how matrices,
// tokens and factors are filled: random, special, worst and written, which are timed; kSmallK, the
// columns of most cases; kContest, whether the longest shapes are timed too. kLayout is that of the
// panels, and says how many bytes or elements a matrix has.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "nibble/base/case.h"

namespace nibble {

template <class Args, class Fills, auto kLayout>
struct GroupedCases {
  // Groups of about equal chances, some of none.
  template <void (*kFill)(Args&, Random&)>
  static void fill(Args& a, Random& rng) {
    int64_t* offsets = writable(a.offsets);
    offsets[0] = 0, offsets[a.groups] = a.m;
    for (int g = 1; g < a.groups; ++g)
      offsets[g] =
          rng.below(3) == 0 && g > 1 ? offsets[g - 1] : int64_t(rng.below(uint64_t(a.m + 1)));
    std::sort(offsets, offsets + a.groups + 1);
    kFill(a, rng);
  }
  // All tokens in the last group, in the first one, or in one in the middle.
  static void fill_uneven(Args& a, Random& rng) {
    fill<Fills::random>(a, rng);
    const int full = int(rng.below(3)) * (a.groups - 1) / 2;
    for (int g = 1; g < a.groups; ++g) writable(a.offsets)[g] = g <= full ? 0 : a.m;
  }
  // The sizes of a public contest for 4-bit formats, and rows of experts as decoding has them.
  static constexpr int kSizes[][8] = {{80, 176, 128, 72, 64, 248, 96, 160},
                                      {40, 76, 168, 72, 164, 148, 196, 160},
                                      {192, 320},
                                      {128, 384},
                                      {1, 0, 2, 1, 0, 0, 3, 1}};
  static constexpr int64_t tokens_of(int which) {
    int64_t m = 0;
    for (int size : kSizes[which]) m += size;
    return m;
  }
  static constexpr int64_t size_of_one(int n, int k) {
    if constexpr (requires { kLayout.bytes(n, k); })
      return kLayout.bytes(n, k);
    else
      return kLayout.elements(n, k);
  }
  template <int kWhich>
  static void fill_sizes(Args& a, Random& rng) {
    fill<Fills::written>(a, rng);
    for (int g = 0; g < a.groups; ++g)
      writable(a.offsets)[g + 1] = a.offsets[g] + kSizes[kWhich][g];
  }

  static std::vector<Case<Args>> cases() {
    std::vector<Case<Args>> all;
    const auto add = [&](const std::string& name, auto fill, int groups, int64_t m, int n, int k,
                         int64_t more = 0) {
      const std::string tokens = name == "bench_" ? "" : "_m" + std::to_string(m);
      all.push_back({.name = name + "g" + std::to_string(groups) + tokens + "_n" +
                             std::to_string(n) + "_k" + std::to_string(k),
                     .args = {.groups = groups,
                              .m = m,
                              .n = n,
                              .k = k,
                              .ldx = k + more,
                              .ldy = n + more,
                              .w_stride = size_of_one(n, k) + 64 * more},
                     .seed = uint64_t(1 + all.size()),
                     .fill = fill,
                     .bench = name.starts_with("bench_")});
      if constexpr (requires { Fills::vary(all.back().args, 0); })
        Fills::vary(all.back().args, all.back().bench ? 0 : int(all.size()));
    };
    constexpr int kSmall = Fills::kSmallK;
    for (int m : {1, 2, 3, 8, 17, 40, 90}) add("", fill<Fills::random>, 3, m, 49, kSmall);
    for (int groups : {1, 2, 7, 16}) add("", fill<Fills::random>, groups, 21, 33, kSmall, 3);
    for (int n : {1, 16, 31, 80}) add("", fill<Fills::random>, 4, 75, n, 2 * kSmall);
    for (int m : {2, 33, 100}) add("uneven_", fill_uneven, 5, m, 17, 160, 1);
    for (int m : {5, 120}) add("nan_", fill<Fills::special>, 4, m, 35, 224);
    for (int m : {6, 150}) add("worst_", fill<Fills::worst>, 3, m, 33, 192);
    add("chunks_", fill<Fills::written>, 2, 70, 18, 1056);
    add("tasks_", fill<Fills::random>, 2, 5, 70, 4096);  // panels of a group in several, and a rest
    if constexpr (Fills::kContest) {
      add("bench_", fill_sizes<0>, 8, tokens_of(0), 4096, 7168);
      add("bench_", fill_sizes<1>, 8, tokens_of(1), 7168, 2048);
    }
    add("bench_", fill_sizes<2>, 2, tokens_of(2), 3072, 4096);
    add("bench_", fill_sizes<3>, 2, tokens_of(3), 4096, 1536);
    add("bench_decode_", fill_sizes<4>, 8, tokens_of(4), 4096, 4096);
    return all;
  }
};

}  // namespace nibble
