// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include "nibble/cpu/fp8_product_cases.h"
#include "nibble/ops/gemm_fp8_bf16/gemm_fp8_bf16.h"

namespace nibble::gemm_fp8_bf16 {

struct Inputs {
  using Args = gemm_fp8_bf16::Args;
  static constexpr bf16 kGreatest{0x3fff};  // below 2: no sum is infinite

  // Of any size from 2^-40 to 2^40; some zeros, subnormals and others that count as zeros.
  static bf16 any(Random& rng) {
    const auto sign_and_fraction = uint16_t(rng.next32() & 0x807f);
    const int exponent = rng.below(5) == 0 ? int(rng.below(27)) : 87 + int(rng.below(80));
    return {uint16_t(sign_and_fraction | exponent << 7)};
  }
  static bf16 special(int64_t i) {  // infinities, NaNs
    constexpr uint16_t kFew[] = {0x7f80, 0xff80, 0x7fc0, 0xffa1};
    return {kFew[i % 4]};
  }
};

inline std::vector<Case<Args>> cases() { return cpu::Fp8Cases<Inputs>::all(); }

}  // namespace nibble::gemm_fp8_bf16
