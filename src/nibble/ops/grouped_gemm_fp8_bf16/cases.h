// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include "nibble/cpu/fp8_product_cases.h"
#include "nibble/numerics/grouped_cases.h"
#include "nibble/ops/grouped_gemm_fp8_bf16/grouped_gemm_fp8_bf16.h"

namespace nibble::grouped_gemm_fp8_bf16 {

// Each group is filled as a product of gemm_fp8_bf16.
struct Fills {
  using One = cpu::Fp8Cases<cpu::Fp8Bf16Inputs<Args>>;
  static constexpr int kSmallK = 200;
  static constexpr bool kContest = false;  // a reference of 30 G products, one after another

  static void each(Args& a, Random& rng, void (*fill)(Args&, Random&),
                   void (*odd)(Args&, Random&)) {
    fill_f32(a.y, (a.m - 1) * a.ldy + a.n, rng);
    for (int g = 0; g < a.groups; ++g) {
      Args one = cpu::group_of(a, g, cpu::fp8_factors(a.w_factors, a.n, cpu::kFp8Block, a.k));
      (g % 2 == 0 ? fill : odd)(one, rng);
    }
  }
  static void random(Args& a, Random& rng) { each(a, rng, One::fill_random, One::fill_random); }
  // What is not finite is in the groups of even number: in no other group's results.
  static void special(Args& a, Random& rng) { each(a, rng, One::fill_special, One::fill_random); }
  static void worst(Args& a, Random& rng) { each(a, rng, One::fill_worst, One::fill_worst); }
  static void written(Args& a, Random& rng) { random(a, rng); }

  static void vary(Args& a, int i) {
    constexpr Factors kAll[] = {Factors::blocks, Factors::rows, Factors::none};
    a.w_factors = kAll[i % 3];
  }
};

inline std::vector<Case<Args>> cases() { return GroupedCases<Args, Fills, kLayout>::cases(); }

}  // namespace nibble::grouped_gemm_fp8_bf16
