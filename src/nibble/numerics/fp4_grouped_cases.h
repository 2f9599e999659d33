// Inputs of products of groups of int8 tokens with fp4 panels, for the cases of ops. Scales says of
// a format: kSmallK, an odd number of blocks; kWorst, 1 or the largest; is_nan, finite and written,
// a scale as encoders make it, of a random byte.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/numerics/panel_layout.h"

namespace nibble {

template <class Args, class Scales, PanelLayout kLayout>
struct Fp4GroupedCases {
  // All bytes, those of padding too. scale(group, row, byte) makes a scale of a random byte.
  template <class Scale>
  static void fill_w(Args& a, Random& rng, Scale&& scale) {
    for (int g = 0; g < a.groups; ++g) {
      uint8_t* w = writable(a.w) + g * a.w_stride;
      for (int64_t i = 0; i < kLayout.bytes(a.n, a.k); i += 4) {
        const uint32_t four = rng.next32();
        const bool scales = i % kLayout.tile_bytes() < kLayout.scale_bytes();
        const int64_t row =
            i / kLayout.panel_bytes(a.k) * kLayout.rows + i % kLayout.tile_bytes() / 4;
        for (int b = 0; b < 4; ++b) {
          const auto byte = uint8_t(four >> 8 * b);
          w[i + b] = scales ? scale(g, row, byte) : byte;
        }
      }
    }
  }
  // Groups of about equal chances, some of none.
  static void fill_offsets(Args& a, Random& rng) {
    int64_t* offsets = writable(a.offsets);
    offsets[0] = 0, offsets[a.groups] = a.m;
    for (int g = 1; g < a.groups; ++g)
      offsets[g] =
          rng.below(3) == 0 && g > 1 ? offsets[g - 1] : int64_t(rng.below(uint64_t(a.m + 1)));
    std::sort(offsets, offsets + a.groups + 1);
  }
  static void fill_rest(Args& a, Random& rng) {
    fill_offsets(a, rng);
    fill_i8(a.x, (a.m - 1) * a.ldx + a.k, rng, -128, 127);
    fill_f32(a.w_scale, int64_t(a.groups) * a.n, rng, -2, 2);
    fill_f32(a.x_scale, a.m, rng, 1e-4f, 2);
    if (a.ldy != a.n) fill_f32(a.y, (a.m - 1) * a.ldy + a.n, rng);
  }

  // Every scale that is neither NaN nor so large that sums overflow.
  static void fill_random(Args& a, Random& rng) {
    fill_rest(a, rng);
    fill_w(a, rng, [](int, int64_t, uint8_t b) { return Scales::finite(b); });
  }
  // NaN in every third row of the groups of even number: in no other group's results.
  static void fill_nan(Args& a, Random& rng) {
    fill_rest(a, rng);
    fill_w(a, rng, [](int g, int64_t row, uint8_t b) {
      return Scales::is_nan(b) && (g % 2 != 0 || row % 3 != 1) ? uint8_t(b ^ 1) : b;
    });
  }
  // Scales as encoders write them.
  static void fill_written(Args& a, Random& rng) {
    fill_rest(a, rng);
    fill_w(a, rng, [](int, int64_t, uint8_t b) { return Scales::written(b); });
  }
  // All tokens in the last group, in the first one, or in one in the middle.
  static void fill_uneven(Args& a, Random& rng) {
    fill_random(a, rng);
    const int full = int(rng.below(3)) * (a.groups - 1) / 2;
    for (int g = 1; g < a.groups; ++g) writable(a.offsets)[g] = g <= full ? 0 : a.m;
  }
  // Block sums at their largest: elements of 6 and -6 in turn with the rows, tokens of -128 and
  // 127.
  static void fill_worst(Args& a, Random& rng) {
    fill_rest(a, rng);
    fill_w(a, rng, [](int, int64_t, uint8_t) { return Scales::kWorst; });
    for (int g = 0; g < a.groups; ++g)
      for (int64_t i = 0; i < kLayout.bytes(a.n, a.k); ++i)
        if (const int64_t at = i % kLayout.tile_bytes() - kLayout.scale_bytes(); at >= 0)
          writable(a.w)[g * a.w_stride + i] = at / 4 % 2 == g % 2 ? uint8_t(0x77) : uint8_t(0xff);
    for (int64_t i = 0; i < a.m; ++i)
      for (int k = 0; k < a.k; ++k) writable(a.x)[i * a.ldx + k] = i % 2 == 0 ? -128 : 127;
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
  template <int kWhich>
  static void fill_sizes(Args& a, Random& rng) {
    fill_written(a, rng);
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
                              .w_stride = kLayout.bytes(n, k) + 64 * more},
                     .seed = uint64_t(1 + all.size()),
                     .fill = fill,
                     .bench = name.starts_with("bench_")});
    };
    for (int m : {1, 2, 3, 8, 17, 40, 90}) add("", fill_random, 3, m, 49, Scales::kSmallK);
    for (int groups : {1, 2, 7, 16}) add("", fill_random, groups, 21, 33, Scales::kSmallK, 3);
    for (int n : {1, 16, 31, 80}) add("", fill_random, 4, 75, n, 2 * Scales::kSmallK);
    for (int m : {2, 33, 100}) add("uneven_", fill_uneven, 5, m, 17, 160, 1);
    for (int m : {5, 120}) add("nan_", fill_nan, 4, m, 35, 224);
    for (int m : {6, 150}) add("worst_", fill_worst, 3, m, 33, 192);
    add("chunks_", fill_written, 2, 70, 18, 1056);
    add("bench_", fill_sizes<0>, 8, tokens_of(0), 4096, 7168);
    add("bench_", fill_sizes<1>, 8, tokens_of(1), 7168, 2048);
    add("bench_", fill_sizes<2>, 2, tokens_of(2), 3072, 4096);
    add("bench_", fill_sizes<3>, 2, tokens_of(3), 4096, 1536);
    add("bench_decode_", fill_sizes<4>, 8, tokens_of(4), 4096, 4096);
    return all;
  }
};

}  // namespace nibble
