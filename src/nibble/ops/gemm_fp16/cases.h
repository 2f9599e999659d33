// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <vector>

#include "nibble/numerics/dense_cases.h"
#include "nibble/ops/gemm_fp16/gemm_fp16.h"

namespace nibble::gemm_fp16 {

inline std::vector<Case<Args>> cases() { return dense_cases<Args>(); }

}  // namespace nibble::gemm_fp16
