// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/gemv_nvfp4_fp16/gemv_nvfp4_fp16.h"

namespace nibble::gemv_nvfp4_fp16 {

inline int64_t scales(const Args& a) { return a.batch * scale_bytes(a.layout, a.m, a.k / 16); }

inline void fill_weights(Args& a, Random& rng) {
  for (int64_t i = 0; i < a.batch * a.m * a.k / 2; ++i)
    writable(a.w)[i].bits = uint8_t(rng.next32());
  for (int64_t i = 0; i < scales(a); ++i) {
    const auto bits = uint8_t(rng.next32());
    writable(a.scale)[i].bits = (bits & 0x7f) == 0x7f ? uint8_t(bits ^ 1) : bits;
  }
}
// All codes, scales of both signs without NaN; activations of a model: some large, some subnormal.
inline void fill_random(Args& a, Random& rng) {
  fill_weights(a, rng);
  for (int64_t i = 0; i < int64_t(a.batch) * a.rows * a.k; ++i) {
    const float x = rng.uniform(-1, 1) + rng.uniform(-1, 1);
    const uint64_t kind = rng.below(64);
    writable(a.x)[i] = to_fp16(kind == 0 ? x * 100 : kind == 1 ? x * 0x1p-20f : x);
  }
}
// NaN scales here and there, whose rows alone are NaN, and one activation that is infinite.
inline void fill_nan(Args& a, Random& rng) {
  fill_random(a, rng);
  for (int64_t l = 0; l < a.batch; ++l) {
    const int64_t row = int64_t(rng.below(uint64_t(a.m))), cols = a.k / 16;
    const int64_t col = int64_t(rng.below(uint64_t(cols)));
    writable(
        a.scale)[l * scale_bytes(a.layout, a.m, cols) + scale_offset(a.layout, row, col, cols)] = {
        uint8_t(0x7f | (rng.next32() & 0x80))};
  }
  writable(a.x)[rng.below(uint64_t(a.k))] = {0x7c00};
}
// Blocks of the greatest weights with signs that must not get lost on the way out of the words.
inline void fill_greatest(Args& a, Random& rng, float x) {
  const uint8_t pairs[] = {0x77, 0xff, 0x7f, 0xf7};
  for (int64_t i = 0; i < a.batch * a.m * a.k / 2; i += 4) {
    const uint32_t pair = pairs[i / (a.k / 2) % 4], word = pair * 0x01010101u;
    const uint32_t laid = a.order == CodeOrder::shifted ? to_shifted_codes(word) : word;
    for (int b = 0; b < 4; ++b) writable(a.w)[i + b].bits = uint8_t(laid >> (8 * b));
  }
  for (int64_t i = 0; i < scales(a); ++i) writable(a.scale)[i].bits = uint8_t(0x7d + rng.below(2));
  for (int64_t i = 0; i < int64_t(a.batch) * a.rows * a.k; ++i) writable(a.x)[i] = to_fp16(x);
}
// The greatest sums that no half of a block is too small for: 6 * 8 * 1364.
inline void fill_worst(Args& a, Random& rng) { fill_greatest(a, rng, 1364); }
// The greatest halves, in some blocks of one sign, so that sums are infinite, in some of both, so
// that they are NaN or come back; small ones beside them, and blocks of small ones alone.
inline void fill_huge(Args& a, Random& rng) {
  fill_greatest(a, rng, 65504);
  for (int64_t i = 0; i < int64_t(a.batch) * a.rows * a.k; ++i) {
    const uint64_t kind = rng.below(8);
    fp16& x = writable(a.x)[i];
    if (i / 16 % 4 == 1 && kind < 4) x.bits |= 0x8000;
    if (i / 16 % 4 == 2 && kind < 6) x = to_fp16(rng.uniform(-1, 1));
    if (i / 16 % 4 == 3) x = to_fp16(rng.uniform(-1500, 1500));
  }
}
// Subnormal and tiny scales and activations alone.
inline void fill_tiny(Args& a, Random& rng) {
  fill_weights(a, rng);
  for (int64_t i = 0; i < scales(a); ++i) writable(a.scale)[i].bits = uint8_t(rng.below(10));
  for (int64_t i = 0; i < int64_t(a.batch) * a.rows * a.k; ++i)
    writable(a.x)[i] = {uint16_t(rng.below(0x900) | (rng.next32() & 0x8000))};
}

inline std::vector<Case<Args>> cases() {
  using Layout = ScaleLayout;
  std::vector<Case<Args>> all;
  const auto add = [&](const std::string& name, Args args, void (*fill)(Args&, Random&)) {
    for (CodeOrder order : {CodeOrder::neighbours, CodeOrder::shifted}) {
      args.order = order;
      all.push_back({.name = name + (order == CodeOrder::shifted ? "_shifted" : ""),
                     .args = args,
                     .seed = all.size() + 1,
                     .fill = fill});
    }
  };
  constexpr float kSmall = 0x1p-8f;
  for (int m : {1, 3, 33})
    for (int k : {64, 1024, 2112})
      add("m" + std::to_string(m) + "_k" + std::to_string(k), {.m = m, .k = k, .alpha = kSmall},
          fill_random);
  for (int rows = 2; rows <= 8; ++rows)
    add("rows" + std::to_string(rows), {.m = 5, .k = 320, .rows = rows, .alpha = kSmall},
        fill_random);
  add("batch_128x4",
      {.m = 130, .k = 64, .rows = 2, .batch = 2, .alpha = -kSmall, .layout = Layout::atoms_128x4},
      fill_nan);
  add("m33_k2112_128x4", {.m = 33, .k = 2112, .alpha = kSmall, .layout = Layout::atoms_128x4},
      fill_random);
  add("many_rows", {.m = 6100, .k = 64, .alpha = kSmall}, fill_random);  // four rows a warp
  add("wraps", {.m = 3, .k = 9 * 1024 + 64, .alpha = kSmall}, fill_random);
  add("nan", {.m = 37, .k = 320, .rows = 2, .alpha = kSmall}, fill_nan);
  add("worst", {.m = 8, .k = 1088, .rows = 4, .alpha = 0x1p-16f}, fill_worst);
  add("huge", {.m = 8, .k = 1088, .rows = 4, .alpha = 0x1p-24f}, fill_huge);
  add("huge_wraps", {.m = 1, .k = 9 * 1024 + 64, .alpha = 0x1p-26f}, fill_huge);
  add("huge_128x4",
      {.m = 2, .k = 2112, .rows = 3, .alpha = 0x1p-24f, .layout = Layout::atoms_128x4}, fill_huge);
  add("tiny", {.m = 12, .k = 512, .rows = 3, .alpha = 0x1p13f}, fill_tiny);
  for (const Args& a : {Args{.m = 4096, .k = 4096}, Args{.m = 14336, .k = 4096},
                        Args{.m = 7168, .k = 16384}, Args{.m = 4096, .k = 4096, .rows = 8}}) {
    add("bench_m" + std::to_string(a.rows) + "_n" + std::to_string(a.m) + "_k" +
            std::to_string(a.k),
        a, fill_random);
    for (size_t i = all.size() - 2; i < all.size(); ++i)
      all[i].args.alpha = kSmall, all[i].bench = true;
  }
  return all;
}

}  // namespace nibble::gemv_nvfp4_fp16
