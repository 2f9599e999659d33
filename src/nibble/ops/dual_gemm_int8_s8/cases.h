// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include "nibble/cpu/s8_dual_cases.h"
#include "nibble/ops/dual_gemm_int8_s8/dual_gemm_int8_s8.h"

namespace nibble::dual_gemm_int8_s8 {

using Cases = cpu::S8DualCases<Args, kLayout, kMaxK, 0x80, 0x7f, 128>;

inline std::vector<Case<Args>> cases() { return Cases::cases(); }

}  // namespace nibble::dual_gemm_int8_s8
