// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include "nibble/cpu/dense_grouped_cases.h"
#include "nibble/ops/grouped_gemm_fp16/grouped_gemm_fp16.h"

namespace nibble::grouped_gemm_fp16 {

using Fills = cpu::DenseGroupedFills<Args>;

inline std::vector<Case<Args>> cases() { return GroupedCases<Args, Fills, kLayout>::cases(); }

}  // namespace nibble::grouped_gemm_fp16
