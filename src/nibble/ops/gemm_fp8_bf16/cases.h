// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include "nibble/cpu/fp8_product_cases.h"
#include "nibble/ops/gemm_fp8_bf16/gemm_fp8_bf16.h"

namespace nibble::gemm_fp8_bf16 {

inline std::vector<Case<Args>> cases() { return cpu::Fp8Cases<cpu::Fp8Bf16Inputs<Args>>::all(); }

}  // namespace nibble::gemm_fp8_bf16
