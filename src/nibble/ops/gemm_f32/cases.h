// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <vector>

#include "nibble/numerics/dense_cases.h"
#include "nibble/ops/gemm_f32/gemm_f32.h"

namespace nibble::gemm_f32 {

inline std::vector<Case<Args>> cases() { return dense_cases<Args>(); }

}  // namespace nibble::gemm_f32
