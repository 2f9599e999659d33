// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <vector>

#include "nibble/numerics/dense_dual_cases.h"
#include "nibble/ops/dual_gemm_fp16/dual_gemm_fp16.h"

namespace nibble::dual_gemm_fp16 {

inline std::vector<Case<Args>> cases() { return dense_dual_cases<Args>(); }

}  // namespace nibble::dual_gemm_fp16
