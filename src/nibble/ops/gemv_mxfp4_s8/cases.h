// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/gemv_mxfp4_s8/gemv_mxfp4_s8.h"

namespace nibble::gemv_mxfp4_s8 {

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
  fill_f32(a.y, (a.m - 1) * a.ldy + a.n, rng);
}
// Scales as encoders write them.
inline void fill_written(Args& a, Random& rng) {
  fill_rest(a, rng);
  fill_w(a, rng, [](int64_t, uint8_t b) { return uint8_t(112 + b % 24); });
}
// Every scale whose sums do not overflow; one row with NaN, and 0xff in the padding of all panels.
inline void fill_nan(Args& a, Random& rng) {
  fill_rest(a, rng);
  fill_w(a, rng, [&](int64_t row, uint8_t b) {
    if (row >= a.n) return uint8_t(0xff);
    return row == a.n / 2 && b % 8 == 3 ? uint8_t(0xff) : uint8_t(b % 0xe0);
  });
  uint8_t* w = writable(a.w);
  const int last = a.k % kLayout.tile_k() / 32;  // blocks of the last tile, 0 if it is full
  for (int64_t p = 0; last > 0 && p < kLayout.panels(a.n); ++p)
    for (int r = 0; r < kLayout.rows; ++r)
      for (int b = last; b < 4; ++b)
        w[(p + 1) * kLayout.panel_bytes(a.k) - kLayout.tile_bytes() +
          kLayout.scale_offset(r, 32 * b)] = 0xff;
}
// Scales near 2^-127: products and sums are subnormal.
inline void fill_tiny(Args& a, Random& rng) {
  fill_rest(a, rng);
  fill_w(a, rng, [](int64_t, uint8_t b) { return uint8_t(b % 16); });
}
// Block sums at their largest, +-49152, by whichever operand is without sign; no other entry of a
// table of codes gives these sums.
inline void fill_worst(Args& a, Random& rng) {
  fill_rest(a, rng);
  uint8_t* w = writable(a.w);
  for (int64_t i = 0; i < kLayout.bytes(a.n, a.k); ++i) {
    const int64_t at = i % kLayout.tile_bytes() - kLayout.scale_bytes();
    w[i] = at < 0 ? uint8_t(0x7f) : at / 4 % 2 == 0 ? uint8_t(0x77) : uint8_t(0xff);
  }
  for (int64_t i = 0; i < a.m; ++i)
    for (int k = 0; k < a.k; ++k) writable(a.x)[i * a.ldx + k] = i % 2 == 0 ? -128 : 127;
}

// Pairs of a batch differ.
template <void (*kFill)(Args&, Random&)>
void fill_each(Args& a, Random& rng) {
  for (int64_t l = 0; l < a.batch; ++l) {
    Args one = entry(a, l);
    kFill(one, rng);
  }
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  const auto add = [&](std::string name, int m, int n, int k, void (*fill)(Args&, Random&),
                       int batch = 1) {
    const uint64_t seed = all.size() + 1;
    name += "m" + std::to_string(m) + "_n" + std::to_string(n) + "_k" + std::to_string(k);
    // Every other case has rows of x that begin at multiples of 16 bytes.
    all.push_back({.name = name,
                   .args = {.batch = batch,
                            .m = m,
                            .n = n,
                            .k = k,
                            .ldx = k + int(seed % 2 * 5),
                            .ldy = n + int(seed % 3)},
                   .seed = seed,
                   .fill = fill,
                   .bench = name.starts_with("bench")});
  };
  for (int n : {1, 15, 16, 17, 33}) add("", 1 + n % 2, n, 160, fill_written);
  for (int k : {32, 64, 96, 128, 256, 288, 1056, 2080}) add("", 1, 18, k, fill_written);
  for (int m = 2; m <= 8; ++m) add("", m, 35, 224, fill_written);
  for (int m : {1, 6}) add("nan_", m, 37, 352, fill_nan);
  for (int m : {1, 3}) add("tiny_", m, 33, 224, fill_tiny);
  for (int m : {1, 2, 8}) add("worst_", m, 33, 288, fill_worst);
  for (int m : {1, 4}) add("wraps_", m, 17, 9 * 2048 + 320, fill_written);  // no warp has all of K
  add("panels_", 1, 6100, 32, fill_nan);                                    // several a block
  for (int m : {1, 3, 8}) add("l3_", m, 33, 288, fill_each<fill_nan>, 3);
  add("l5_", 1, 600, 544, fill_each<fill_written>, 5);  // a split of one matrix, none of five
  // The shapes of the NVFP4 GEMV contest.
  for (int m : {1, 8}) add("bench_", m, 7168, 16384, fill_written);
  add("bench_", 1, 4096, 7168, fill_written);
  add("bench_", 1, 7168, 2048, fill_written);
  add("bench_l4_", 1, 7168, 2048, fill_each<fill_written>, 4);
  return all;
}

}  // namespace nibble::gemv_mxfp4_s8
