#include "nibble/cpu/dense_checks.h"
#include "nibble/harness/dense_dual_checks.h"
#include "nibble/harness/verify.h"
#include "nibble/ops/dual_gemm_bf16/dual_gemm_bf16.h"
#include "nibble/ops/gemm_bf16/gemm_bf16.h"

using namespace nibble;
using namespace nibble::dual_gemm_bf16;

int main() {
  const bool right =
      harness::dual_refuses<Op>({.m = 3, .n = 20, .k = 7, .ldx = 9, .ldy = 21}, -1) &&
      harness::dense_dual_is_of_products<Op, gemm_bf16::Op>() &&
      cpu::chooses_bf16<Op>({.m = 64, .n = 64, .k = 64});
  return harness::verify_main("dual_gemm_bf16", right && harness::dense_dual_is_accurate<Op>(5e-3));
}
