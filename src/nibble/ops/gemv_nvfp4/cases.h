// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/gemv_nvfp4/gemv_nvfp4.h"

namespace nibble::gemv_nvfp4 {

template <class Byte>
void fill_bytes(const Byte* p, int64_t count, Random& rng, int low = 0, int high = 255) {
  for (int64_t i = 0; i < count; ++i)
    writable(p)[i].bits = uint8_t(low + int(rng.below(uint64_t(high - low + 1))));
}
inline int64_t a_scales(const Args& a) { return a.batch * scale_bytes(a.layout, a.m, a.k / 16); }
inline int64_t b_scales(const Args& a) {
  return a.batch * scale_bytes(a.layout, a.b_rows, a.k / 16);
}
inline void fill_codes(Args& a, Random& rng) {
  fill_bytes(a.a, a.batch * a.m * a.k / 2, rng);
  fill_bytes(a.b, a.batch * a.b_rows * a.k / 2, rng);
}

// All codes; scales of both signs, zeros and subnormals, no NaN.
inline void fill_random(Args& a, Random& rng) {
  fill_codes(a, rng);
  fill_bytes(a.sfa, a_scales(a), rng), fill_bytes(a.sfb, b_scales(a), rng);
  for (int64_t i = 0; i < a_scales(a); ++i)
    if ((a.sfa[i].bits & 0x7f) == 0x7f) writable(a.sfa)[i].bits ^= 1;
  for (int64_t i = 0; i < b_scales(a); ++i)
    if ((a.sfb[i].bits & 0x7f) == 0x7f) writable(a.sfb)[i].bits ^= 1;
}
// The same with NaN scales of weights here and there: their rows alone are NaN. Pads of the 128x4
// layout are NaN too, which nobody may read.
inline void fill_nan(Args& a, Random& rng) {
  fill_random(a, rng);
  for (int64_t l = 0; l < a.batch; ++l) {
    const int64_t row = int64_t(rng.below(uint64_t(a.m))), cols = a.k / 16;
    const int64_t col = int64_t(rng.below(uint64_t(cols)));
    writable(
        a.sfa)[l * scale_bytes(a.layout, a.m, cols) + scale_offset(a.layout, row, col, cols)] = {
        uint8_t(0x7f | (rng.next32() & 0x80))};
    if (a.layout == ScaleLayout::atoms_128x4 && a.m % kAtomRows != 0)
      writable(
          a.sfa)[l * scale_bytes(a.layout, a.m, cols) + scale_offset(a.layout, a.m, 0, cols)] = {
          0x7f};
  }
}
// The range that the contract proves: +-6 in all places and the greatest scales, so that the sums
// of eight products in a half are 288, and alternating signs, which must cancel exactly.
inline void fill_worst(Args& a, Random& rng) {
  const uint8_t pairs[] = {0x77, 0xff, 0x7f, 0xf7};
  for (int64_t i = 0; i < a.batch * a.m * a.k / 2; ++i)
    writable(a.a)[i].bits = pairs[i / (a.k / 2) % 4];
  for (int64_t i = 0; i < a.batch * a.b_rows * a.k / 2; ++i) writable(a.b)[i].bits = 0x77;
  fill_bytes(a.sfa, a_scales(a), rng, 0x7d, 0x7e), fill_bytes(a.sfb, b_scales(a), rng, 0x7e, 0x7e);
}
// Subnormal and tiny scales alone, which the fp16 output keeps by a large alpha.
inline void fill_tiny(Args& a, Random& rng) {
  fill_codes(a, rng);
  fill_bytes(a.sfa, a_scales(a), rng, 0, 9), fill_bytes(a.sfb, b_scales(a), rng, 0x80, 0x89);
}

inline std::vector<Case<Args>> cases() {
  using Layout = ScaleLayout;
  std::vector<Case<Args>> all;
  const auto add = [&](std::string name, Args args, void (*fill)(Args&, Random&)) {
    if (args.b_rows < args.rows) args.b_rows = args.rows;
    all.push_back({.name = std::move(name), .args = args, .seed = all.size() + 1, .fill = fill});
  };
  constexpr float kSmall = 0x1p-18f;
  for (int m : {1, 3, 9, 33})
    for (int k : {64, 960, 1024, 2112})
      for (Layout layout : {Layout::linear, Layout::atoms_128x4})
        add("m" + std::to_string(m) + "_k" + std::to_string(k) +
                (layout == Layout::linear ? "" : "_128x4"),
            {.m = m, .k = k, .alpha = kSmall, .layout = layout}, fill_random);
  for (int rows = 2; rows <= 8; ++rows)
    add("rows" + std::to_string(rows), {.m = 5, .k = 1088, .rows = rows, .alpha = kSmall},
        fill_random);
  add("batch", {.m = 19, .k = 192, .rows = 2, .batch = 3, .b_rows = 5, .alpha = -kSmall},
      fill_random);
  add("batch_128x4",
      {.m = 130,
       .k = 64,
       .batch = 2,
       .b_rows = 128,
       .alpha = kSmall,
       .layout = Layout::atoms_128x4},
      fill_nan);
  add("many_rows", {.m = 6100, .k = 64, .alpha = kSmall}, fill_random);  // four rows a warp
  add("wraps", {.m = 6, .k = 9 * 1024 + 64, .alpha = 0x1p-22f}, fill_random);
  add("wraps_rows", {.m = 3, .k = 9 * 1024, .rows = 3, .alpha = 0x1p-22f}, fill_nan);
  add("nan", {.m = 37, .k = 320, .rows = 2, .alpha = kSmall}, fill_nan);
  add("worst", {.m = 8, .k = 2048, .rows = 4, .alpha = 0x1p-22f}, fill_worst);
  add("overflow", {.m = 4, .k = 128, .alpha = 1}, fill_worst);
  add("tiny", {.m = 12, .k = 512, .rows = 3, .alpha = 0x1p12f}, fill_tiny);
  // The shapes of the NVFP4 GEMV contest.
  for (const Args& a : {Args{.m = 7168, .k = 16384}, Args{.m = 4096, .k = 7168, .batch = 8},
                        Args{.m = 7168, .k = 2048, .batch = 4}}) {
    add("bench_m" + std::to_string(a.m) + "_k" + std::to_string(a.k) + "_l" +
            std::to_string(a.batch),
        a, fill_random);
    all.back().args.alpha = 0x1p-22f, all.back().bench = true;
  }
  return all;
}

}  // namespace nibble::gemv_nvfp4
