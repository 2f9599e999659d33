// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <vector>

#include "nibble/numerics/fp4_dual_cases.h"
#include "nibble/ops/dual_gemm_nvfp4_s8/dual_gemm_nvfp4_s8.h"

namespace nibble::dual_gemm_nvfp4_s8 {

struct Scales {
  static constexpr uint8_t kWorst = 0x7e;
  static constexpr float kWorstScale = 448;
  static constexpr bool is_nan(uint8_t b) { return (b & 0x7f) == 0x7f; }
  static constexpr uint8_t finite(uint8_t b) { return is_nan(b) ? uint8_t(b ^ 1) : b; }
  static constexpr uint8_t written(uint8_t b) { return uint8_t(1 + b % 0x7e); }
};

inline std::vector<Case<Args>> cases() { return Fp4DualCases<Args, Scales, kLayout>::cases(); }

}  // namespace nibble::dual_gemm_nvfp4_s8
