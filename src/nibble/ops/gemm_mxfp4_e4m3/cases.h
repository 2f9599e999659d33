// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "nibble/numerics/fp4_panel_cases.h"
#include "nibble/ops/gemm_mxfp4_e4m3/gemm_mxfp4_e4m3.h"

namespace nibble::gemm_mxfp4_e4m3 {

// Within some binades of one: sums of different blocks meet.
inline uint8_t likely_ue8m0(Random& rng) { return uint8_t(120 + rng.below(12)); }
// 2^-127, a subnormal float, and its neighbours; some that are far apart; a NaN in 100.
inline uint8_t hard_ue8m0(Random& rng) {
  constexpr uint8_t kHard[] = {0, 0, 1, 2, 23, 100, 127, 150};
  return rng.below(100) == 0 ? uint8_t(0xff) : kHard[rng.below(8)];
}

inline void fill_x(Args& a, Random& rng, uint8_t (*scale)(Random&)) {
  for (int64_t i = 0; i < (a.m - 1) * a.ldx + a.k; ++i) writable(a.x)[i] = {any_finite_e4m3(rng)};
  for (int64_t i = 0; i < a.m * a.x_scales(); ++i) writable(a.x_scale)[i] = {scale(rng)};
  fill_f32(a.w_scale, a.n, rng, -2, 2);
  for (int64_t i = 0; a.ldy > a.n && i < (a.m - 1) * a.ldy + a.n; ++i) a.y[i] = -1;
}
// Full-range codes of both, subnormals among them.
inline void fill_random(Args& a, Random& rng) {
  fill_x(a, rng, likely_ue8m0);
  fill_panels(kPanels, a.n, a.k, rng, likely_ue8m0, writable(a.w));
}
// Scales of weights at the ends of their range, and NaN here and there: products of scales that are
// subnormal or zero.
inline void fill_scales(Args& a, Random& rng) {
  fill_x(a, rng, likely_ue8m0);
  fill_panels(kPanels, a.n, a.k, rng, hard_ue8m0, writable(a.w));
}
inline void fill_x_scales(Args& a, Random& rng) {
  fill_x(a, rng, hard_ue8m0);
  fill_panels(kPanels, a.n, a.k, rng, likely_ue8m0, writable(a.w));
}
// NaN codes in one token of two.
inline void fill_nan(Args& a, Random& rng) {
  fill_random(a, rng);
  for (int64_t i = 0; i < a.m; i += 2)
    writable(a.x)[i * a.ldx + int64_t(rng.below(uint64_t(a.k)))] = {
        uint8_t(rng.below(2) == 0 ? 0x7f : 0xff)};
}
// Sums that need more bits than a float has: 448 times 6 beside the least products, so that another
// order gives other bits.
inline void fill_worst(Args& a, Random& rng) {
  fill_x(a, rng, likely_ue8m0);
  for (int64_t i = 0; i < a.m; ++i)
    for (int k = 0; k < a.k; ++k)
      writable(a.x)[i * a.ldx + k] = {uint8_t(k % 4 != 0 ? 1 + rng.below(15) : 0x7e)};
  fill_panels(
      kPanels, a.n, a.k, rng, [](Random&) { return uint8_t(127); }, writable(a.w),
      [](int64_t row, int k) { return uint8_t(k % 4 == 0 ? 7 : 1 + (k + row) % 15); });
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  const auto add = [&](std::string name, int64_t m, int n, int k, auto fill) {
    name += "_m" + std::to_string(m) + "_n" + std::to_string(n) + "_k" + std::to_string(k);
    // Rows apart from one another, and all groups of x, but for timing.
    const bool bench = name.starts_with("bench");
    const int64_t ldx = bench ? k : k + int(seed % 3) * 7, ldy = bench ? n : n + int(seed % 2) * 5;
    const int block = bench || seed % 4 == 0 ? 128 : seed % 4 == 1 ? 64 : 32;
    all.push_back({.name = name,
                   .args = {.m = m, .n = n, .k = k, .ldx = ldx, .ldy = ldy, .x_block = block},
                   .seed = seed++,
                   .fill = fill,
                   .bench = bench});
  };
  for (int m = 1; m <= 9; ++m)
    for (int n : {1, 17, 33}) add("random", m, n, 32 * int(1 + seed % 9), fill_random);
  for (int n : {15, 16, 31, 32, 63, 64, 65}) add("random", 1 + n % 3, n, 160, fill_random);
  for (int m : {15, 17, 64, 65}) add("random", m, 20, 96, fill_random);
  add("random", 1, 300, 1024, fill_random);  // more than one group of panels
  // Panels that are unpacked, two and one at a time, over more than one chunk of columns and
  // tokens.
  for (auto [m, n, k] :
       {std::array{16, 48, 544}, {17, 48, 544}, {23, 16, 256}, {29, 40, 288}, {131, 33, 288}})
    add("random", m, n, k, fill_random);
  for (int k : {32, 128, 288}) add("scales", 3, 64, k, fill_scales);
  for (int k : {32, 128, 288}) add("x_scales", 5, 48, k, fill_x_scales);
  add("nan", 5, 48, 352, fill_nan);
  for (int m : {1, 6}) add("worst", m, 32, 512, fill_worst);
  for (auto [m, n, k] : {std::array{1, 4096, 4096},
                         {1, 14336, 4096},
                         {8, 4096, 4096},
                         {16, 4096, 4096},
                         {128, 4096, 4096},
                         {512, 4096, 4096}})
    add("bench", m, n, k, fill_random);
  return all;
}

}  // namespace nibble::gemm_mxfp4_e4m3
