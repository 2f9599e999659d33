#include "nibble/harness/dense_dual_checks.h"
#include "nibble/harness/verify.h"
#include "nibble/ops/dual_gemm_f32/dual_gemm_f32.h"
#include "nibble/ops/gemm_f32/gemm_f32.h"

using namespace nibble;
using namespace nibble::dual_gemm_f32;

int main() {
  const bool right = harness::refuses_duals<Op>() &&
                     harness::are_silus_of_two_products<Op, gemm_f32::Op>() &&
                     chooses_by_isa<Op>({.m = 64, .n = 64, .k = 64}, "avx512", Isa::avx512);
  return harness::verify_main("dual_gemm_f32", right && harness::is_accurate_dual<Op>(3e-6));
}
