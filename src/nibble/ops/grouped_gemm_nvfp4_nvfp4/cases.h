// Inputs for verify, test and bench. Deterministic: a case is its seed and its shape.
#pragma once
#include <vector>

#include "nibble/numerics/fp4_grouped_cases.h"
#include "nibble/ops/grouped_gemm_nvfp4_nvfp4/grouped_gemm_nvfp4_nvfp4.h"

namespace nibble::grouped_gemm_nvfp4_nvfp4 {

inline std::vector<Case<Args>> cases() {
  using Cases = Fp4GroupedCases<Args, Nvfp4CaseScales, kLayout>;
  std::vector<Case<Args>> all = Cases::cases();
  all.push_back(Cases::vectors(8, 4096, 7168));
  all.push_back(Cases::vectors(4, 7168, 2048));
  return all;
}

}  // namespace nibble::grouped_gemm_nvfp4_nvfp4
