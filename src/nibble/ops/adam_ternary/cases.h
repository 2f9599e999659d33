// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/adam_ternary/adam_ternary.h"

namespace nibble::adam_ternary {

inline void fill_random(Args& a, Random& rng) {
  const int64_t size = int64_t(a.k) * a.n;
  for (int64_t i = 0; i < (a.parts == 0 ? 0 : (a.parts - 1) * a.part_stride + size); ++i)
    a.grad[i] = int32_t(rng.next32()) >> rng.below(24) >> 3;  // eight of them fit int32
  fill_f32(a.shadow, size, rng, -a.limit, a.limit);
  fill_f32(a.m, size, rng, -0.01f, 0.01f);
  fill_f32(a.v, size, rng, 0, 0.001f);
  // Fresh moments, a shadow on the rounding boundary, and one at its bound.
  a.m[0] = a.v[0] = 0, a.shadow[0] = 0.5f / a.code_scale, a.shadow[1] = a.limit;
}

// Shadows on every rounding boundary and at both bounds, gradients and moments that are zero, tiny
// or as large as int32 sums get: nothing may become a NaN, pass a bound or round the other way.
inline void fill_edges(Args& a, Random& rng) {
  fill_random(a, rng);
  const float half = 0.5f / a.code_scale;
  for (int64_t i = 0; i < int64_t(a.k) * a.n; ++i) {
    const float edge[] = {half, -half, 3 * half, -3 * half, a.limit, -a.limit, 0, -0.0f};
    a.shadow[i] = std::clamp(edge[i % 8], -a.limit, a.limit);
    a.m[i] = i % 3 == 0 ? 0 : i % 3 == 1 ? 1e-38f : -1e3f;
    a.v[i] = i % 5 == 0 ? 0 : i % 5 == 1 ? 1e-38f : 1e6f;
    for (int p = 0; p < a.parts; ++p)
      a.grad[p * a.part_stride + i] = i % 4 == 0   ? 0
                                      : i % 4 == 1 ? INT32_MAX / a.parts
                                      : i % 4 == 2 ? -(INT32_MAX / a.parts)
                                                   : 1;
  }
}

// Half way between two bf16, and around the least weight that is not 0.
inline void fill_bf16(Args& a, Random& rng) {
  fill_random(a, rng);
  for (int64_t i = 0; i < int64_t(a.k) * a.n; i += 3) {
    const float edge[] = {0x1.01p0f, -0x1.03p0f, 0x1.fffp-73f, -0x1p-72f, 0x1p-140f, -0.0f};
    a.shadow[i] = edge[i / 3 % 6];
    a.m[i] = 0;  // without a gradient these stay
    for (int p = 0; p < a.parts; ++p) a.grad[p * a.part_stride + i] = 0;
  }
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  for (int k : {4, 64, 256})
    for (int n : {16, 80})
      for (int parts : {0, 1, 3}) {
        Args args{.k = k, .n = n, .parts = parts, .unit = 1e-7f, .rate = 0.05f, .v_scale = 1.7f};
        args.part_stride = k * n + 32;
        const std::string shape =
            "k" + std::to_string(k) + "_n" + std::to_string(n) + "_p" + std::to_string(parts);
        all.push_back({.name = shape, .args = args, .seed = seed++, .fill = fill_random});
        args.limit = 127.0f / 32, args.code_scale = 32, args.max_code = 127;
        all.push_back({.name = shape + "_int8", .args = args, .seed = seed++, .fill = fill_random});
        args.limit = 4, args.code_scale = 256, args.in_bf16 = true;
        all.push_back({.name = shape + "_bf16", .args = args, .seed = seed++, .fill = fill_bf16});
      }
  all.push_back(
      {.name = "edges",
       .args = {.k = 64, .n = 48, .parts = 2, .unit = 1e-7f, .rate = 0.05f, .part_stride = 3072},
       .fill = fill_edges});
  all.push_back({.name = "frozen",
                 .args = {.k = 64, .n = 48, .parts = 0, .part_stride = 3072},
                 .fill = fill_edges});
  all.push_back(
      {.name = "bench_k256_n256",
       .args = {.k = 256, .n = 256, .parts = 2, .unit = 1e-7f, .rate = 0.03f, .part_stride = 65536},
       .fill = fill_random,
       .bench = true});
  return all;
}

}  // namespace nibble::adam_ternary
