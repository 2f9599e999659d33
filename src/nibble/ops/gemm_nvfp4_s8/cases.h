// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/gemm_nvfp4_s8/gemm_nvfp4_s8.h"

namespace nibble::gemm_nvfp4_s8 {

// All bytes, those of padding too. scale(row, byte) makes a scale of a random byte.
template <class Scale>
void fill_w(Args& a, Random& rng, Scale&& scale) {
  uint8_t* w = writable(a.w);
  for (int64_t i = 0; i < kLayout.bytes(a.n, a.k); i += 4) {
    const uint32_t four = rng.next32();
    const bool scales = i % kLayout.tile_bytes() < kLayout.scale_bytes();
    const int64_t row = i / kLayout.panel_bytes(a.k) * kLayout.rows + i % kLayout.tile_bytes() / 4;
    for (int b = 0; b < 4; ++b) {
      const auto byte = uint8_t(four >> 8 * b);
      w[i + b] = scales ? scale(row, byte) : byte;
    }
  }
}
inline void fill_rest(Args& a, Random& rng) {
  fill_i8(a.x, (a.m - 1) * a.ldx + a.k, rng, -128, 127);
  fill_f32(a.w_scale, a.n, rng, -2, 2);
  fill_f32(a.x_scale, a.m, rng, 1e-4f, 2);
  if (a.ldy != a.n) fill_f32(a.y, (a.m - 1) * a.ldy + a.n, rng);
}

// Every scale but NaN: subnormals, 0 and negative ones.
inline void fill_random(Args& a, Random& rng) {
  fill_rest(a, rng);
  fill_w(a, rng, [](int64_t, uint8_t b) { return (b & 0x7f) == 0x7f ? uint8_t(b ^ 1) : b; });
}
// The same with NaN in every third row, and factors that are none or too large.
inline void fill_nan(Args& a, Random& rng) {
  fill_rest(a, rng);
  fill_w(a, rng, [](int64_t row, uint8_t b) {
    return (b & 0x7f) == 0x7f && row % 3 != 1 ? uint8_t(b ^ 1) : b;
  });
  constexpr uint32_t kOdd[] = {0xffc00001u, 0x7f800000u, 0x00000001u, 0x7f000000u, 0x80000000u};
  for (int j = 0; j < a.n; j += 5) writable(a.w_scale)[j] = bit_cast<float>(kOdd[j / 5 % 5]);
}
// Scales as encoders write them, without signs, and among those of some tiles one NaN.
inline void fill_lone_nan(Args& a, Random& rng) {
  fill_rest(a, rng);
  fill_w(a, rng, [](int64_t, uint8_t b) { return b == 0xff ? uint8_t(0x7f) : uint8_t(b % 0x7f); });
}
// Scales as encoders write them.
inline void fill_written(Args& a, Random& rng) {
  fill_rest(a, rng);
  fill_w(a, rng, [](int64_t, uint8_t b) { return uint8_t(1 + b % 0x7e); });
}
// Block sums at their largest, +-24576: elements of 6 and -6 in turn with the rows, tokens of -128
// and of 127. Pairs, fours and sixteens of products are at their largest too, by whichever operand
// is without sign; no other entry of a table of codes gives these sums.
inline void fill_worst(Args& a, Random& rng) {
  fill_rest(a, rng);
  uint8_t* w = writable(a.w);
  for (int64_t i = 0; i < kLayout.bytes(a.n, a.k); ++i) {
    const int64_t at = i % kLayout.tile_bytes() - kLayout.scale_bytes();
    w[i] = at < 0 ? uint8_t(0x7e) : at / 4 % 2 == 0 ? uint8_t(0x77) : uint8_t(0xff);
  }
  for (int64_t i = 0; i < a.m; ++i)
    for (int k = 0; k < a.k; ++k) writable(a.x)[i * a.ldx + k] = i % 2 == 0 ? -128 : 127;
}

inline std::string shape(int64_t m, int n, int k) {
  return "m" + std::to_string(m) + "_n" + std::to_string(n) + "_k" + std::to_string(k);
}

inline std::vector<Case<Args>> cases() {
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
  for (int n : {1, 15, 16, 17, 31, 32, 33, 63, 64, 65}) add("", fill_random, 1 + n % 3, n, 80);
  for (int k : {16, 32, 48, 64, 80, 128, 144, 1024, 1040, 2064}) add("", fill_random, 1, 17, k);
  // Around tiles of tokens, and where panels are unpacked instead of read again.
  for (int m : {2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 34, 40, 41})
    add("", fill_random, m, 49, 144);
  for (int m : {7, 12, 19, 39}) add("ld_", fill_random, m, 33, 96, 101, 40);
  for (int m : {33, 257}) add("", fill_written, m, 17, 1104);
  for (int m : {1, 8, 35}) add("nan_", fill_nan, m, 65, 208);
  for (int m : {1, 8, 33}) add("lone_nan_", fill_lone_nan, m, 65, 208);
  for (int m : {1, 2, 8, 36}) add("worst_", fill_worst, m, 33, 192);
  const auto bench = [&](int64_t m, int n, int k) {
    all.push_back({.name = "bench_" + shape(m, n, k),
                   .args = {.m = m, .n = n, .k = k, .ldx = k, .ldy = n},
                   .fill = fill_written,
                   .bench = true});
  };
  for (int m : {1, 2, 4, 8, 16, 128, 512}) bench(m, 4096, 4096);
  bench(1, 128, 4096);  // stays in L2
  bench(1, 14336, 4096);
  // Shapes of a public contest for this format: products of 128 tokens, and of one. Those of one
  // and several matrices are grouped_gemm_nvfp4_s8's.
  bench(128, 7168, 16384);
  bench(128, 4096, 7168);
  bench(128, 7168, 2048);
  bench(1, 7168, 16384);
  return all;
}

}  // namespace nibble::gemm_nvfp4_s8
