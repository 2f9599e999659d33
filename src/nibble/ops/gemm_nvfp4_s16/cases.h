// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "nibble/numerics/fp4_panel_cases.h"
#include "nibble/ops/gemm_nvfp4_s16/gemm_nvfp4_s16.h"

namespace nibble::gemm_nvfp4_s16 {

inline void fill_x(Args& a, Random& rng) {
  for (int64_t i = 0; i < (a.m - 1) * a.ldx + a.k; ++i)
    writable(a.x)[i] = int16_t(int(rng.below(2 * kS16Max + 1)) - kS16Max);
  fill_f32(a.x_scale, a.m, rng, 1e-6f, 1e-4f);
  fill_f32(a.w_scale, a.n, rng, -2, 2);
  for (int64_t i = 0; a.ldy > a.n && i < (a.m - 1) * a.ldy + a.n; ++i) a.y[i] = -1;
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
// Every product at its largest, with equal signs: |S| = 6266688 in all blocks, where a byte less
// in the clamp of x or in a table is off by more than all roundings.
inline void fill_worst(Args& a, Random& rng) {
  fill_x(a, rng);
  for (int64_t i = 0; i < a.m; ++i)
    for (int k = 0; k < a.k; ++k)
      writable(a.x)[i * a.ldx + k] = int16_t((k + i) % 3 == 0 ? kS16Max : -kS16Max);
  fill_panels(
      kPanels, a.n, a.k, rng, [](Random&) { return uint8_t(0x7e); }, writable(a.w),
      [](int64_t row, int k) { return uint8_t((k + row) % 3 == 0 ? 7 : 15); });
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  const auto add = [&](std::string name, int64_t m, int n, int k, auto fill) {
    name += "_m" + std::to_string(m) + "_n" + std::to_string(n) + "_k" + std::to_string(k);
    // Rows apart from one another, but for timing.
    const bool bench = name.starts_with("bench");
    const int64_t ldx = bench ? k : k + seed % 3 * 7, ldy = bench ? n : n + int(seed % 2) * 5;
    all.push_back({.name = name,
                   .args = {.m = m, .n = n, .k = k, .ldx = ldx, .ldy = ldy},
                   .seed = seed++,
                   .fill = fill,
                   .bench = bench});
  };
  for (int m = 1; m <= 9; ++m)
    for (int n : {1, 17, 33}) add("random", m, n, 16 * int(1 + seed % 9), fill_random);
  for (int n : {15, 16, 31, 32, 63, 64, 65}) add("random", 1 + n % 3, n, 80, fill_random);
  for (int m : {15, 17, 64, 65, 130}) add("random", m, 20, 112, fill_random);
  add("random", 2, 40, 2064, fill_random);
  add("random", 1, 300, 1024, fill_random);  // more than one group of panels
  // Panels that are unpacked, two and one at a time, over more than one chunk of columns and
  // tokens.
  for (auto [m, n, k] :
       {std::array{16, 48, 544}, {17, 48, 544}, {23, 16, 256}, {29, 40, 288}, {131, 33, 288}})
    add("random", m, n, k, fill_random);
  for (int m = 1; m <= 5; ++m) add("plain", m, 64, 512, fill_plain);
  for (int k : {16, 64, 144, 512}) add("scales", 3, 64, k, fill_scales);
  for (int m : {1, 6}) add("worst", m, 32, 1024, fill_worst);
  for (auto [m, n, k] : {std::array{1, 4096, 4096},
                         {1, 14336, 4096},
                         {8, 4096, 4096},
                         {16, 4096, 4096},
                         {128, 4096, 4096},
                         {512, 4096, 4096}})
    add("bench", m, n, k, fill_likely);
  return all;
}

}  // namespace nibble::gemm_nvfp4_s16
