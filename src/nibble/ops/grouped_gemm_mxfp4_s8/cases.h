// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <vector>

#include "nibble/numerics/fp4_grouped_cases.h"
#include "nibble/ops/grouped_gemm_mxfp4_s8/grouped_gemm_mxfp4_s8.h"

namespace nibble::grouped_gemm_mxfp4_s8 {

struct Scales {
  static constexpr int kSmallK = 160;
  static constexpr uint8_t kWorst = 0x7f;
  static constexpr bool is_nan(uint8_t b) { return b == 0xff; }
  static constexpr uint8_t finite(uint8_t b) { return uint8_t(b % 0xe0); }
  static constexpr uint8_t written(uint8_t b) { return uint8_t(112 + b % 24); }
};

inline std::vector<Case<Args>> cases() { return Fp4GroupedCases<Args, Scales, kLayout>::cases(); }

}  // namespace nibble::grouped_gemm_mxfp4_s8
