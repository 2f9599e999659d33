// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <vector>

#include "nibble/numerics/fp4_dual_cases.h"
#include "nibble/ops/dual_gemm_mxfp4_s8/dual_gemm_mxfp4_s8.h"

namespace nibble::dual_gemm_mxfp4_s8 {

struct Scales {
  static constexpr uint8_t kWorst = 0x7f;
  static constexpr float kWorstScale = 1;
  static constexpr bool is_nan(uint8_t b) { return b == 0xff; }
  static constexpr uint8_t finite(uint8_t b) { return uint8_t(b % 0x90); }  // up to 2^16
  static constexpr uint8_t written(uint8_t b) { return uint8_t(112 + b % 24); }
};

inline std::vector<Case<Args>> cases() { return Fp4DualCases<Args, Scales, kLayout>::cases(); }

}  // namespace nibble::dual_gemm_mxfp4_s8
