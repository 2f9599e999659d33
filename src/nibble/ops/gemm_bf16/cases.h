// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <vector>

#include "nibble/numerics/dense_cases.h"
#include "nibble/ops/gemm_bf16/gemm_bf16.h"

namespace nibble::gemm_bf16 {

inline std::vector<Case<Args>> cases() { return dense_cases<Args>(); }

}  // namespace nibble::gemm_bf16
