// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include "nibble/cpu/fp8_product_cases.h"
#include "nibble/ops/gemm_fp8_e4m3/gemm_fp8_e4m3.h"

namespace nibble::gemm_fp8_e4m3 {

struct Inputs {
  using Args = gemm_fp8_e4m3::Args;
  static constexpr e4m3 kGreatest{0x7e};

  static e4m3 any(Random& rng) { return {cpu::finite_e4m3(rng)}; }
  static e4m3 special(int64_t i) { return {uint8_t(i % 2 != 0 ? 0x7f : 0xff)}; }
};

inline std::vector<Case<Args>> cases() { return cpu::Fp8Cases<Inputs>::all(); }

}  // namespace nibble::gemm_fp8_e4m3
