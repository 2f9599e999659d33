// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "nibble/numerics/fp4_panel_cases.h"
#include "nibble/ops/gemm_nvfp4_nvfp4/gemm_nvfp4_nvfp4.h"

namespace nibble::gemm_nvfp4_nvfp4 {

inline void fill_x(Args& a, Random& rng, uint8_t (*scale)(Random&)) {
  for (int64_t i = 0; i < ((a.m - 1) * a.ldx + a.k) / 2; ++i)
    writable(a.x)[i] = {uint8_t(rng.next32())};
  for (int64_t i = 0; i < a.m * a.k / 16; ++i) writable(a.x_blocks)[i] = {scale(rng)};
  fill_f32(a.x_scale, a.m, rng, 1e-4f, 1e-2f);
  fill_f32(a.w_scale, a.n, rng, -2, 2);
  for (int64_t i = 0; a.ldy > a.n && i < (a.m - 1) * a.ldy + a.n; ++i) a.y[i] = -1;
}
inline void fill_w(Args& a, Random& rng, uint8_t (*scale)(Random&)) {
  fill_panels(kLayout, a.n, a.k, rng, scale, writable(a.w));
}
// Full-range codes; scales of all finite bytes.
inline void fill_random(Args& a, Random& rng) {
  fill_x(a, rng, any_finite_e4m3);
  fill_w(a, rng, any_finite_e4m3);
}
// Scales that are hard to decode: zeros, subnormals, the greatest, and NaN here and there; of
// weights, or of activations.
inline void fill_scales(Args& a, Random& rng) {
  fill_x(a, rng, any_finite_e4m3);
  fill_w(a, rng, hard_e4m3);
}
inline void fill_x_scales(Args& a, Random& rng) {
  fill_x(a, rng, hard_e4m3);
  fill_w(a, rng, any_finite_e4m3);
  // Tokens of which nothing is left.
  for (int64_t i = 2; i < a.m; i += 4)
    for (int b = 0; b < a.k / 16; ++b)
      writable(a.x_blocks)[i * (a.k / 16) + b] = {uint8_t(b % 2 == 0 ? 0x00 : 0x80)};
}
// Scales of which most tiles are quick to decode, and some hold one that is not.
inline void fill_plain(Args& a, Random& rng) {
  fill_x(a, rng, plain_e4m3);
  fill_w(a, rng, plain_e4m3);
}
// Scales as encoders make them, for timing.
inline void fill_likely(Args& a, Random& rng) {
  fill_x(a, rng, likely_e4m3);
  fill_w(a, rng, likely_e4m3);
}
// NaN for the scales behind n and k, which are no one's.
inline void fill_padding(Args& a, Random& rng) {
  fill_random(a, rng);
  for (int64_t row = 0; row < 16 * kLayout.panels(a.n); ++row)
    for (int64_t b = 0; b < 4 * kLayout.tiles(a.k); ++b)
      if (row >= a.n || 16 * b >= a.k)
        writable(a.w)[row / 16 * kLayout.panel_bytes(a.k) + b / 4 * kLayout.tile_bytes() +
                      kLayout.scale_offset(int(row % 16), int(b % 4 * 16))] = 0x7f;
}
// Every product at its largest, with equal signs: |S| = 2304 in all blocks.
inline void fill_worst(Args& a, Random& rng) {
  fill_x(a, rng, [](Random&) { return uint8_t(0x7e); });
  for (int64_t i = 0; i < a.m; ++i)
    for (int k = 0; k < a.k; k += 2)
      writable(a.x)[(i * a.ldx + k) / 2] = {uint8_t(k % 6 == 0 ? 0xf7 : 0x7f)};
  fill_panels(
      kLayout, a.n, a.k, rng, [](Random&) { return uint8_t(0x7e); }, writable(a.w),
      [](int64_t, int k) { return uint8_t((k / 2 * 2 % 6 == 0) == (k % 2 == 0) ? 7 : 15); });
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  const auto add = [&](std::string name, int64_t m, int n, int k, auto fill) {
    name += "_m" + std::to_string(m) + "_n" + std::to_string(n) + "_k" + std::to_string(k);
    // Rows apart from one another, but for timing.
    const bool bench = name.starts_with("bench");
    const int64_t ldx = bench ? k : k + int(seed % 3) * 6, ldy = bench ? n : n + int(seed % 2) * 5;
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
  add("random", 2, 40, 2064, fill_random);
  add("random", 1, 300, 1024, fill_random);  // more than one group of panels
  for (int m = 1; m <= 5; ++m) add("plain", m, 64, 512, fill_plain);
  for (int k : {16, 64, 144, 512}) add("scales", 3, 64, k, fill_scales);
  for (int k : {16, 64, 144}) add("x_scales", 5, 48, k, fill_x_scales);
  for (int m : {1, 6}) add("worst", m, 32, 1024, fill_worst);
  // Unpacked panels, in more than one chunk.
  add("random", 70, 40, 1056, fill_random);
  for (int m : {33, 48}) add("plain", m, 33, 592, fill_plain);
  add("scales", 40, 50, 144, fill_scales);
  add("x_scales", 41, 50, 144, fill_x_scales);
  add("x_scales", 40, 33, 16, fill_x_scales);  // a block alone: what is no zero is seen
  add("worst", 36, 33, 192, fill_worst);
  for (int m : {1, 3, 36}) add("padding", m, 20, 80, fill_padding);
  for (auto [m, n, k] : {std::array{1, 4096, 4096},
                         {1, 14336, 4096},
                         {8, 4096, 4096},
                         {16, 4096, 4096},
                         {32, 4096, 4096},
                         {128, 4096, 4096},
                         {512, 4096, 4096},
                         // shapes of a public contest for this format
                         {128, 7168, 16384},
                         {128, 4096, 7168},
                         {128, 7168, 2048},
                         {1, 7168, 16384}})
    add("bench", m, n, k, fill_likely);
  return all;
}

}  // namespace nibble::gemm_nvfp4_nvfp4
