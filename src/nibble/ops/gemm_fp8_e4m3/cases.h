// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <string>
#include <vector>

#include "nibble/base/case.h"
#include "nibble/ops/gemm_fp8_e4m3/gemm_fp8_e4m3.h"

namespace nibble::gemm_fp8_e4m3 {

inline uint8_t finite(Random& rng) {  // all codes but the two of NaN
  const auto code = uint8_t(rng.next32());
  return (code & 0x7f) == 0x7f ? code & 0x81 : code;
}
inline void fill_x(Args& a, Random& rng, bool) {
  for (int64_t i = 0; i < (a.m - 1) * a.ldx + a.k; ++i) writable(a.x)[i] = {finite(rng)};
}
// Weights of any code but NaN; rows of the padding are anything, columns zeros.
inline void fill_w(Args& a, Random& rng, uint8_t (*code)(Random&)) {
  const int64_t panel = kLayout.panel_bytes(a.k);
  for (int64_t i = 0; i < kLayout.bytes(a.n, a.k); ++i) {
    const int64_t row = i / panel * kLayout.rows + i % 64 / 4, column = i % panel / 64 * 4 + i % 4;
    writable(a.w)[i] = column >= a.k ? uint8_t(0) : row >= a.n ? uint8_t(rng.next32()) : code(rng);
  }
}
inline void fill_scales(Args& a, Random& rng) {
  const int64_t count = cpu::fp8_factors(a.w_factors, a.n, cpu::kFp8Block, a.k);
  if (count > 0) fill_f32(a.w_scale, count, rng, -1e-2f, 1e-2f);
  const int64_t x_count = cpu::fp8_factors(a.x_factors, a.m, 1, a.k);
  if (x_count > 0) fill_f32(a.x_scale, x_count, rng, -1, 1);
  fill_f32(a.y, (a.m - 1) * a.ldy + a.n, rng);
}
inline void fill_random(Args& a, Random& rng) {
  fill_w(a, rng, finite);
  fill_x(a, rng, true);
  fill_scales(a, rng);
}
// NaN codes in some weight rows and activations; factors that are infinite, subnormal, 0 and NaN.
inline void fill_special(Args& a, Random& rng) {
  fill_random(a, rng);
  for (int64_t j = 0; j < a.n; j += 3)
    writable(
        a.w)[j / 16 * kLayout.panel_bytes(a.k) + kLayout.code_offset(int(j % 16), int(j % 5))] =
        j % 2 != 0 ? 0x7f : 0xff;
  for (int64_t i = 0; i < a.m; i += 5)
    writable(a.x)[i * a.ldx + a.k / 2] = {uint8_t(i % 2 ? 0x7f : 0xff)};
  const float few[] = {bit_cast<float>(0x7f800000u), 0x1p-127f, 0.0f, bit_cast<float>(0x7fc00000u),
                       3e38f};
  const int64_t count = cpu::fp8_factors(a.w_factors, a.n, cpu::kFp8Block, a.k);
  for (int64_t j = 1; j < count; j += 4) writable(a.w_scale)[j] = few[j / 4 % 5];
}
// The greatest products, all of one sign: every addition rounds, and in its own place only.
inline void fill_worst(Args& a, Random& rng) {
  fill_w(a, rng, [](Random& r) { return uint8_t(0x7e - (r.below(9) == 0)); });
  for (int64_t i = 0; i < (a.m - 1) * a.ldx + a.k; ++i) writable(a.x)[i] = {uint8_t(0x7e)};
  fill_scales(a, rng);
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  uint64_t seed = 1;
  const auto add = [&](std::string name, int64_t m, int n, int k, Factors w_factors,
                       void (*fill)(Args&, Random&), bool bench = false) {
    Args a{.m = m, .n = n, .k = k, .ldx = k + int(seed % 3), .ldy = n + int(seed % 2)};
    a.w_factors = w_factors;
    a.x_factors = bench ? w_factors : Factors(seed % 3);
    name += "_m" + std::to_string(m) + "_n" + std::to_string(n) + "_k" + std::to_string(k);
    all.push_back({.name = name, .args = a, .seed = seed++, .fill = fill, .bench = bench});
  };
  constexpr struct {
    const char* name;
    Factors factors;
  } kFactors[] = {{"none", Factors::none}, {"rows", Factors::rows}, {"tiles", Factors::blocks}};
  for (const auto& f : kFactors) {
    for (int m : {1, 2, 3, 4, 5, 6, 7, 11, 13}) add(f.name, m, 33, 200, f.factors, fill_random);
    for (int n : {1, 15, 16, 17, 31, 32, 63, 65})
      add(f.name, 1 + n % 3, n, 130, f.factors, fill_random);
    for (int k : {1, 2, 3, 5, 64, 65, 127, 128, 129, 192, 256, 1000}) {
      add(f.name, 1, 18, k, f.factors, fill_random);
      add(f.name, 7, 18, k, f.factors, fill_random);
    }
    add(std::string("special_") + f.name, 9, 150, 150, f.factors, fill_special);
    add(std::string("worst_") + f.name, 2, 17, 4200, f.factors, fill_worst);
  }
  add("strips", 2, 260, 300, Factors::blocks, fill_random);
  add("blocks", 100, 5, 2800, Factors::rows, fill_random);  // more rows than a block of them has
  for (const auto& f : {kFactors[1], kFactors[2]}) {
    const bool rows = f.factors == Factors::rows;
    const std::string name = rows ? "bench" : "bench_tiles";
    for (int m : {1, 2, 4, 8, 128, 512}) add(name, m, 4096, 4096, f.factors, fill_random, true);
    if (rows) add(name, 1, 14336, 4096, f.factors, fill_random, true);
    if (rows) add(name, 1, 512, 512, f.factors, fill_random, true);  // in L2
  }
  return all;
}

}  // namespace nibble::gemm_fp8_e4m3
