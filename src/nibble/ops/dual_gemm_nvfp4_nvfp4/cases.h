// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <vector>

#include "nibble/numerics/fp4_dual_cases.h"
#include "nibble/ops/dual_gemm_nvfp4_nvfp4/dual_gemm_nvfp4_nvfp4.h"

namespace nibble::dual_gemm_nvfp4_nvfp4 {

inline std::vector<Case<Args>> cases() {
  return Fp4DualCases<Args, Nvfp4CaseScales, kLayout>::cases();
}

}  // namespace nibble::dual_gemm_nvfp4_nvfp4
