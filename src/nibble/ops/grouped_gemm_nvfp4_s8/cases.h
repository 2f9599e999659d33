// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <vector>

#include "nibble/numerics/fp4_grouped_cases.h"
#include "nibble/ops/grouped_gemm_nvfp4_s8/grouped_gemm_nvfp4_s8.h"

namespace nibble::grouped_gemm_nvfp4_s8 {

struct Scales {
  static constexpr int kSmallK = 80;
  static constexpr uint8_t kWorst = 0x7e;
  static constexpr bool is_nan(uint8_t b) { return (b & 0x7f) == 0x7f; }
  static constexpr uint8_t finite(uint8_t b) { return is_nan(b) ? uint8_t(b ^ 1) : b; }
  static constexpr uint8_t written(uint8_t b) { return uint8_t(1 + b % 0x7e); }
};

inline std::vector<Case<Args>> cases() { return Fp4GroupedCases<Args, Scales, kLayout>::cases(); }

}  // namespace nibble::grouped_gemm_nvfp4_s8
