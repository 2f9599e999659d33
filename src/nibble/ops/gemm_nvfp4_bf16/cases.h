// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "nibble/numerics/fp4_panel_cases.h"
#include "nibble/ops/gemm_nvfp4_bf16/gemm_nvfp4_bf16.h"

namespace nibble::gemm_nvfp4_bf16 {

inline void fill_rest(Args& a, Random& rng) {
  fill_f32(a.w_scale, a.n, rng, -2, 2);
  for (int64_t i = 0; a.ldy > a.n && i < (a.m - 1) * a.ldy + a.n; ++i) a.y[i] = -1;
}
// Within some binades of one another, of all signs and fractions, and zeros.
inline void fill_x(Args& a, Random& rng) {
  for (int64_t i = 0; i < (a.m - 1) * a.ldx + a.k; ++i) {
    const auto exponent = uint32_t(110 + rng.below(20));
    const uint32_t bits = (rng.next32() & 0x807fu) | exponent << 7;
    writable(a.x)[i] = {uint16_t(rng.below(20) == 0 ? bits & 0x8000u : bits)};
  }
  fill_rest(a, rng);
}
// Full-range codes; scales of all finite bytes.
inline void fill_random(Args& a, Random& rng) {
  fill_x(a, rng);
  fill_panels(kPanels, a.n, a.k, rng, any_finite_e4m3, writable(a.w));
}
// Scales that are hard to decode: zeros, subnormals, the greatest, and NaN here and there.
inline void fill_scales(Args& a, Random& rng) {
  fill_x(a, rng);
  fill_panels(kPanels, a.n, a.k, rng, hard_e4m3, writable(a.w));
}
// Scales of which most tiles are quick to decode, and some hold one that is not.
inline void fill_plain(Args& a, Random& rng) {
  fill_x(a, rng);
  fill_panels(kPanels, a.n, a.k, rng, plain_e4m3, writable(a.w));
}
// Scales as encoders make them, for timing.
inline void fill_likely(Args& a, Random& rng) {
  fill_x(a, rng);
  fill_panels(kPanels, a.n, a.k, rng, likely_e4m3, writable(a.w));
}
// Activations at the ends of their range: subnormal ones, about the least that counts, often that
// itself, and with products about the least normal float; nothing else in the row, so that they
// decide.
inline void fill_small(Args& a, Random& rng) {
  fill_random(a, rng);
  for (int64_t i = 0; i < (a.m - 1) * a.ldx + a.k; ++i) {
    const auto exponent = uint32_t(rng.below(3) == 0 ? rng.below(8) : 22 + rng.below(10));
    const uint32_t bits = rng.next32() & (rng.below(2) == 0 ? 0x807fu : 0x8000u);
    writable(a.x)[i] = {uint16_t(bits | exponent << 7)};
  }
}
inline void fill_large(Args& a, Random& rng) {
  fill_random(a, rng);
  for (int64_t i = 0; i < (a.m - 1) * a.ldx + a.k; ++i)
    writable(a.x)[i] = {uint16_t((rng.next32() & 0x807fu) | uint32_t(98 + rng.below(20)) << 7)};
}
// Infinities and NaNs in one token of two.
inline void fill_not_finite(Args& a, Random& rng) {
  fill_x(a, rng);
  fill_panels(kPanels, a.n, a.k, rng, any_finite_e4m3, writable(a.w));
  for (int64_t i = 0; i < a.m; i += 2) {
    const uint16_t bits[] = {0x7f80, 0xff80, 0x7fc0, 0xff81};
    writable(a.x)[i * a.ldx + int64_t(rng.below(uint64_t(a.k)))] = {bits[rng.below(4)]};
  }
}
// Sums that need more bits than a float has, so that another order gives other bits: the binades of
// a block's products are far apart, and great ones cancel.
inline void fill_worst(Args& a, Random& rng) {
  fill_rest(a, rng);
  for (int64_t i = 0; i < a.m; ++i)
    for (int k = 0; k < a.k; ++k) {
      const auto exponent = uint32_t(127 + (k % 4 == 0 ? 20 : k % 7));
      const uint32_t sign = k % 8 == 4 ? 0x8000 : 0;
      writable(a.x)[i * a.ldx + k] = {
          uint16_t(sign | exponent << 7 | (k % 4 == 0 ? 0x7fu : rng.next32() & 0x7fu))};
    }
  fill_panels(
      kPanels, a.n, a.k, rng, [](Random&) { return uint8_t(0x7e); }, writable(a.w),
      [](int64_t row, int k) { return uint8_t(k % 4 == 0 ? 7 : 1 + (k + row) % 15); });
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  const auto add = [&](std::string name, int64_t m, int n, int k, auto fill) {
    name += "_m" + std::to_string(m) + "_n" + std::to_string(n) + "_k" + std::to_string(k);
    // Rows apart from one another, but for timing.
    const bool bench = name.starts_with("bench");
    const int64_t ldx = bench ? k : k + int(seed % 3) * 7, ldy = bench ? n : n + int(seed % 2) * 5;
    all.push_back({.name = name,
                   .args = {.m = m, .n = n, .k = k, .ldx = ldx, .ldy = ldy},
                   .seed = seed++,
                   .fill = fill,
                   .bench = bench});
  };
  for (int m = 1; m <= 9; ++m)
    for (int n : {1, 17, 33}) add("random", m, n, 16 * int(1 + seed % 9), fill_random);
  for (int n : {15, 16, 31, 32, 63, 64, 65}) add("random", 1 + n % 3, n, 80, fill_random);
  for (int m : {15, 17, 64, 65}) add("random", m, 20, 112, fill_random);
  add("random", 1, 300, 1024, fill_random);  // more than one group of panels
  // Panels that are unpacked, two and one at a time, over more than one chunk of columns and
  // tokens.
  for (auto [m, n, k] :
       {std::array{16, 48, 544}, {17, 48, 544}, {23, 16, 256}, {29, 40, 288}, {131, 33, 288}})
    add("random", m, n, k, fill_random);
  for (int m = 1; m <= 5; ++m) add("plain", m, 64, 512, fill_plain);
  for (int k : {16, 64, 144, 512}) add("scales", 3, 64, k, fill_scales);
  for (int k : {16, 176}) add("small", 5, 48, k, fill_small);
  add("large", 3, 48, 176, fill_large);
  add("not_finite", 5, 48, 176, fill_not_finite);
  for (int m : {1, 6}) add("worst", m, 32, 512, fill_worst);
  for (auto [m, n, k] : {std::array{1, 4096, 4096},
                         {1, 14336, 4096},
                         {8, 4096, 4096},
                         {16, 4096, 4096},
                         {128, 4096, 4096},
                         {512, 4096, 4096}})
    add("bench", m, n, k, fill_likely);
  return all;
}

}  // namespace nibble::gemm_nvfp4_bf16
