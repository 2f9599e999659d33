// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include "nibble/cpu/s8_grouped_cases.h"
#include "nibble/ops/grouped_gemm_ternary_s8/grouped_gemm_ternary_s8.h"

namespace nibble::grouped_gemm_ternary_s8 {

using Fills = cpu::S8GroupedFills<Args, kLayout, kMaxK, 0xff, 0x00>;

inline std::vector<Case<Args>> cases() { return GroupedCases<Args, Fills, kLayout>::cases(); }

}  // namespace nibble::grouped_gemm_ternary_s8
