// Inputs of dual products of tokens with fp4 panels, for the cases of ops. Scales says of a
// format: kWorst, a scale, and kWorstScale, what it is; is_nan, finite and written, a scale as
// encoders make it, of a random byte.
#pragma once
#include <string>
#include <vector>

#include "nibble/numerics/fp4_token_cases.h"

namespace nibble {

template <class Args, class Scales, PanelLayout kLayout>
struct Fp4DualCases {
  // All bytes, those of padding too. scale(row, byte) makes a scale of a random byte.
  template <class Scale>
  static void fill_panels(const Args& a, const uint8_t* panels, Random& rng, Scale&& scale) {
    uint8_t* w = writable(panels);
    for (int64_t i = 0; i < kLayout.bytes(a.n, a.k); i += 4) {
      const uint32_t four = rng.next32();
      const bool scales = i % kLayout.tile_bytes() < kLayout.scale_bytes();
      const int64_t row =
          i / kLayout.panel_bytes(a.k) * kLayout.rows + i % kLayout.tile_bytes() / 4;
      for (int b = 0; b < 4; ++b) {
        const auto byte = uint8_t(four >> 8 * b);
        w[i + b] = scales ? scale(row, byte) : byte;
      }
    }
  }
  template <class Scale>
  static void fill_both(Args& a, Random& rng, Scale&& scale) {
    fill_panels(a, a.gate, rng, scale);
    fill_panels(a, a.up, rng, scale);
  }
  // Token i is scaled so that gates are from 10^-3 to 10^3, where silu is a half of its argument,
  // all of it and nothing.
  static void fill_rest(Args& a, Random& rng) {
    fill_fp4_tokens(a, rng);
    fill_f32(a.gate_scale, a.n, rng, -2, 2);
    fill_f32(a.up_scale, a.n, rng, -2, 2);
    constexpr float kScale[] = {1e-4f, 1e-5f, 1e-6f, 1e-7f, 1e-8f, 1e-3f, 1};
    const uint64_t first = rng.below(7);
    for (int64_t i = 0; i < a.m; ++i)
      writable(a.x_scale)[i] = kScale[(first + uint64_t(i)) % 7] * rng.uniform(0.3f, 1);
    if (a.ldy != a.n) fill_f32(a.y, (a.m - 1) * a.ldy + a.n, rng);
  }

  // Every scale but NaN: subnormals, 0 and negative ones.
  static void fill_random(Args& a, Random& rng) {
    fill_rest(a, rng);
    fill_both(a, rng, [](int64_t, uint8_t b) { return Scales::finite(b); });
  }
  // The same with NaN in every third row, and factors that are none or too large.
  static void fill_nan(Args& a, Random& rng) {
    fill_rest(a, rng);
    fill_both(a, rng, [](int64_t row, uint8_t b) {
      return Scales::is_nan(b) && row % 3 == 1 ? b : Scales::finite(b);
    });
    fill_fp4_token_nan(a, rng);
    constexpr uint32_t kOdd[] = {0xffc00001u, 0x7f800000u, 0x00000001u, 0x7f000000u, 0x80000000u};
    for (int j = 0; j < a.n; j += 5) writable(a.gate_scale)[j] = bit_cast<float>(kOdd[j / 5 % 5]);
    for (int j = 0; j < a.n; j += 7) writable(a.up_scale)[j] = bit_cast<float>(kOdd[j / 7 % 3]);
  }
  // Scales as encoders write them.
  static void fill_written(Args& a, Random& rng) {
    fill_rest(a, rng);
    fill_both(a, rng, [](int64_t, uint8_t b) { return Scales::written(b); });
    fill_fp4_token_likely(a, rng);
  }
  // Block sums at their largest, of equal signs in gate and up and of different ones; scales
  // chosen so that gates are where exp is neither 1 nor out of range.
  static void fill_worst(Args& a, Random& rng) {
    fill_rest(a, rng);
    for (const uint8_t* panels : {a.gate, a.up})
      for (int64_t i = 0; i < kLayout.bytes(a.n, a.k); ++i) {
        const int64_t at = i % kLayout.tile_bytes() - kLayout.scale_bytes();
        const int64_t row = at / 4 / (panels == a.gate ? 1 : 2);
        writable(panels)[i] = at < 0         ? Scales::kWorst
                              : row % 2 == 0 ? uint8_t(0x77)
                                             : uint8_t(0xff);
      }
    const float sum = float(a.k) * 6 * Scales::kWorstScale * kFp4MostOfToken<Args>;
    for (int64_t i = 0; i < a.m; ++i) writable(a.x_scale)[i] = rng.uniform(1, 80) / sum;
    fill_fp4_token_worst(a);
  }

  static std::string shape(int64_t m, int n, int k) {
    return "m" + std::to_string(m) + "_n" + std::to_string(n) + "_k" + std::to_string(k);
  }

  static std::vector<Case<Args>> cases() {
    std::vector<Case<Args>> all;
    uint64_t seed = 1;
    const auto add = [&](const char* name, auto fill, int64_t m, int n, int k, int64_t ldx = 0,
                         int64_t ldy = 0) {
      all.push_back({.name = name + shape(m, n, k),
                     .args = {.m = m, .n = n, .k = k, .ldx = ldx ? ldx : k, .ldy = ldy ? ldy : n},
                     .seed = seed++,
                     .fill = fill});
    };
    // Around panels, and pairs of them; around blocks, tiles and chunks of columns.
    for (int n : {1, 15, 16, 17, 31, 32, 33, 63, 64, 65})
      add("", fill_random, 1 + n % 3, n, 5 * kLayout.block);
    for (int k : {1, 2, 3, 4, 5, 8, 9, 64, 65, 129}) add("", fill_random, 1, 17, k * kLayout.block);
    // Around tiles of tokens, and where panels are unpacked instead of read again.
    for (int m : {2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 34, 40, 41})
      add("", fill_random, m, 49, 9 * kLayout.block);
    for (int m : {7, 12, 19, 39}) add("ld_", fill_random, m, 33, 96, kFp4OddRow<Args>, 40);
    for (int m : {33, 257}) add("", fill_written, m, 17, 1120);
    for (int m : {1, 8, 35}) add("nan_", fill_nan, m, 65, 224);
    for (int m : {1, 2, 8, 36}) add("worst_", fill_worst, m, 33, 192);
    const auto bench = [&](int64_t m, int n, int k) {
      all.push_back({.name = "bench_" + shape(m, n, k),
                     .args = {.m = m, .n = n, .k = k, .ldx = k, .ldy = n},
                     .fill = fill_written,
                     .bench = true});
    };
    bench(1, 4096, 4096);
    bench(8, 4096, 4096);
    // Of a public contest for this format.
    bench(256, 4096, 7168);
    bench(512, 4096, 7168);
    bench(256, 3072, 4096);
    bench(512, 3072, 7168);
    return all;
  }
};

}  // namespace nibble
