// Inputs of dual products of int8 tokens with panels of whole codes, for the cases of ops.
#pragma once
#include <string>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/numerics/panel_layout.h"

namespace nibble::cpu {

// kFirst, kSecond: bytes of the greatest weights of both signs, kWeight the greater magnitude.
template <class Args, PanelLayout kLayout, int kMaxK, uint8_t kFirst, uint8_t kSecond, int kWeight>
struct S8DualCases {
  // All bytes, also in the padding of panels. Token i is scaled so that gates are from 10^-3 to
  // 10^3, where silu is a half of its argument, all of it and nothing.
  static void fill_random(Args& a, Random& rng) {
    for (const uint8_t* panels : {a.gate, a.up})
      for (int64_t i = 0; i < kLayout.bytes(a.n, a.k); ++i)
        writable(panels)[i] = uint8_t(rng.next32());
    fill_i8(a.x, (a.m - 1) * a.ldx + a.k, rng, -128, 127);
    fill_f32(a.gate_scale, a.n, rng, -2, 2);
    fill_f32(a.up_scale, a.n, rng, -2, 2);
    constexpr float kScale[] = {10, 1, 0.1f, 1e-2f, 1e-3f, 1e2f, 1e4f};
    const uint64_t first = rng.below(7);
    for (int64_t i = 0; i < a.m; ++i)
      writable(a.x_scale)[i] =
          kScale[(first + uint64_t(i)) % 7] * rng.uniform(3e-3f, 1e-2f) / float(kWeight);
    if (a.ldy != a.n) fill_f32(a.y, (a.m - 1) * a.ldy + a.n, rng);
  }
  // Factors that are none, infinite, too large, subnormal and zero: of gates, of ups and of tokens,
  // each in results of its own, too.
  static void fill_special(Args& a, Random& rng) {
    fill_random(a, rng);
    constexpr uint32_t kOdd[] = {0xffc00001u, 0x7f800000u, 0x00000001u, 0x7f000000u, 0x80000000u};
    for (int j = 0; j < a.n; j += 5) writable(a.gate_scale)[j] = bit_cast<float>(kOdd[j / 5 % 5]);
    for (int j = 0; j < a.n; j += 7) writable(a.up_scale)[j] = bit_cast<float>(kOdd[j / 7 % 5]);
    for (int64_t i = 2; i < a.m; i += 4) writable(a.x_scale)[i] = bit_cast<float>(kOdd[i / 4 % 5]);
  }
  // Sums at their largest, of equal signs in gate and up and of different ones; scales chosen so
  // that gates are where exp is neither 1 nor out of range.
  static void fill_worst(Args& a, Random& rng) {
    fill_random(a, rng);
    for (const uint8_t* panels : {a.gate, a.up})
      for (int64_t i = 0; i < kLayout.bytes(a.n, a.k); ++i)
        writable(panels)[i] = i / 4 / (panels == a.gate ? 1 : 2) % 2 == 0 ? kFirst : kSecond;
    const float sum = float(a.k) * float(kWeight) * 128;
    for (int64_t i = 0; i < a.m; ++i) {
      writable(a.x_scale)[i] = rng.uniform(1, 40) / sum;
      for (int k = 0; k < a.k; ++k) writable(a.x)[i * a.ldx + k] = i % 2 == 0 ? -128 : 127;
    }
  }
  // Factors as packers write them.
  static void fill_written(Args& a, Random& rng) {
    fill_random(a, rng);
    fill_f32(a.gate_scale, a.n, rng, 1e-3f, 1e-2f);
    fill_f32(a.up_scale, a.n, rng, 1e-3f, 1e-2f);
    fill_f32(a.x_scale, a.m, rng, 1e-3f, 1e-2f);
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
    // Around panels; around tiles of columns.
    for (int n : {1, 15, 16, 17, 31, 32, 33, 63, 64, 65}) add("", fill_random, 1 + n % 3, n, 80);
    for (int k : {1, 3, 4, 16, 63, 64, 65, 127, 128, 192, 1000}) {
      add("", fill_random, 1, 18, k);
      add("", fill_random, 14, 18, k);
    }
    // Around tiles of tokens, and where a panel meets its tokens alone or with its other.
    for (int m : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 23, 24, 25, 37})
      add("", fill_random, m, 33, 130);
    for (int m : {7, 13, 19}) add("ld_", fill_random, m, 33, 96, 101, 40);
    add("blocks_", fill_random, 100, 7, 11000);  // more tokens than a block of them has
    for (int m : {1, 8, 29}) add("special_", fill_special, m, 65, 224);
    for (int m : {1, 2, 8, 26}) add("worst_", fill_worst, m, 33, 320, 325, 34);
    add("worst_", fill_worst, 1, 2, kMaxK);
    const auto bench = [&](int64_t m, int n, int k) {
      all.push_back({.name = "bench_" + shape(m, n, k),
                     .args = {.m = m, .n = n, .k = k, .ldx = k, .ldy = n},
                     .fill = fill_written,
                     .bench = true});
    };
    for (int m : {1, 8, 128, 512}) bench(m, 4096, 4096);
    bench(1, 14336, 4096);
    bench(256, 3072, 4096);  // as the dual products of fp4 are timed
    return all;
  }
};

}  // namespace nibble::cpu
