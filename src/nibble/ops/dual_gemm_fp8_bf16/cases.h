// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include "nibble/cpu/fp8_dual.h"
#include "nibble/cpu/fp8_product_cases.h"
#include "nibble/ops/dual_gemm_fp8_bf16/dual_gemm_fp8_bf16.h"

namespace nibble::dual_gemm_fp8_bf16 {

// Each of the two is filled as a product of gemm_fp8_bf16, but for the size of activations.
struct Inputs : cpu::Fp8Bf16Inputs<cpu::Fp8Half<bf16>> {
  // Of sizes from 2^-8 to 1; some zeros, subnormals and others that count as zeros.
  static bf16 any(Random& rng) {
    const auto sign_and_fraction = uint16_t(rng.next32() & 0x807f);
    const int exponent = rng.below(9) == 0 ? int(rng.below(27)) : 119 + int(rng.below(8));
    return {uint16_t(sign_and_fraction | exponent << 7)};
  }
};
using Half = cpu::Fp8Cases<Inputs>;
using Fill = void (*)(Inputs::Args&, Random&);

inline void fill(Args& a, Random& rng, Fill of_up, Fill of_gate) {
  auto up = cpu::fp8_half(a, a.up, a.up_scale), gate = cpu::fp8_half(a, a.gate, a.gate_scale);
  of_up(up, rng);
  of_gate(gate, rng);
}
// Token i is scaled so that gates are from 10^-3 to 10^3, where silu is a half of its argument, all
// of it and nothing.
inline void scale_tokens(Args& a) {
  constexpr float kScale[] = {0x1p-3f, 0x1p-6f, 0x1p-9f, 0x1p-13f, 1, 0x1p-1f, 0x1p4f};
  for (int64_t i = 0; i < a.m; ++i)
    for (int k = 0; k < a.k; ++k) {
      bf16& x = writable(a.x)[i * a.ldx + k];
      x = to_bf16(to_float(x) * kScale[(i + a.n) % 7]);
    }
}
inline void fill_random(Args& a, Random& rng) {
  fill(a, rng, Half::fill_random, Half::fill_random);
  scale_tokens(a);
}
// What is not finite in one of the two, and in x.
inline void fill_special_gate(Args& a, Random& rng) {
  fill(a, rng, Half::fill_random, Half::fill_special);
  scale_tokens(a);
}
inline void fill_special_up(Args& a, Random& rng) {
  fill(a, rng, Half::fill_special, [](auto& half, Random& r) {
    Half::fill_w(half, r, cpu::finite_e4m3);
    Half::fill_scales(half, r);
  });
  scale_tokens(a);
}
// The greatest products, all of one sign, and gates where exp is neither 1 nor out of range.
inline void fill_worst(Args& a, Random& rng) {
  fill(a, rng, Half::fill_worst, Half::fill_worst);
  const float most = 40 / (float(a.k) * 448 * 2);
  fill_f32(a.gate_scale, cpu::fp8_factors(a.w_factors, a.n, cpu::kFp8Block, a.k), rng, -most, most);
}

inline std::vector<Case<Args>> cases() {
  std::vector<Case<Args>> all;
  const auto add = [&](std::string name, int64_t m, int n, int k, Factors factors,
                       void (*fill)(Args&, Random&), bool bench = false) {
    const uint64_t seed = 1 + all.size();
    name += "_m" + std::to_string(m) + "_n" + std::to_string(n) + "_k" + std::to_string(k);
    all.push_back({.name = name,
                   .args = {.m = m,
                            .n = n,
                            .k = k,
                            .ldx = k + int64_t(seed % 3),
                            .ldy = n + int64_t(seed % 2),
                            .w_factors = factors},
                   .seed = seed,
                   .fill = fill,
                   .bench = bench});
  };
  constexpr struct {
    const char* name;
    Factors factors;
  } kFactors[] = {{"none", Factors::none}, {"rows", Factors::rows}, {"tiles", Factors::blocks}};
  for (const auto& f : kFactors) {
    for (int m : {1, 2, 3, 4, 5, 6, 7, 11, 13}) add(f.name, m, 33, 200, f.factors, fill_random);
    for (int n : {1, 15, 16, 17, 63, 65}) add(f.name, 1 + n % 3, n, 130, f.factors, fill_random);
    for (int k : {1, 3, 64, 65, 127, 128, 129, 192, 1000})
      add(f.name, 7, 18, k, f.factors, fill_random);
    add(std::string("special_gate_") + f.name, 17, 150, 150, f.factors, fill_special_gate);
    add(std::string("special_up_") + f.name, 17, 150, 150, f.factors, fill_special_up);
    add(std::string("worst_") + f.name, 3, 17, 2100, f.factors, fill_worst);
  }
  add("strips", 2, 260, 300, Factors::blocks, fill_random);
  add("blocks", 100, 5, 2800, Factors::rows, fill_random);  // more tokens than a block has
  for (int m : {1, 8, 128, 512}) add("bench", m, 4096, 4096, Factors::rows, fill_random, true);
  add("bench", 1, 14336, 4096, Factors::rows, fill_random, true);
  add("bench", 256, 3072, 4096, Factors::rows, fill_random, true);
  for (int m : {1, 128}) add("bench_tiles", m, 4096, 4096, Factors::blocks, fill_random, true);
  return all;
}

}  // namespace nibble::dual_gemm_fp8_bf16
