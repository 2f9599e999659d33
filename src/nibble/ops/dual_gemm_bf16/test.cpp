#include "nibble/harness/dense_dual_checks.h"
#include "nibble/harness/verify.h"
#include "nibble/ops/dual_gemm_bf16/dual_gemm_bf16.h"
#include "nibble/ops/gemm_bf16/gemm_bf16.h"

using namespace nibble;
using namespace nibble::dual_gemm_bf16;

int main() {
  const bool right = harness::refuses_duals<Op>() &&
                     harness::are_silus_of_two_products<Op, gemm_bf16::Op>() &&
                     cpu::chooses_bf16<Op>({.m = 64, .n = 64, .k = 64});
  return harness::verify_main("dual_gemm_bf16", right && harness::is_accurate_dual<Op>(5e-3));
}
