#include "nibble/cpu/dense_checks.h"
#include "nibble/harness/verify.h"
#include "nibble/ops/gemm_bf16/gemm_bf16.h"

using namespace nibble;
using namespace nibble::gemm_bf16;

int main() {
  const bool refused = !Op::check({.m = 1, .n = 1, .k = 0, .ldx = 1, .ldy = 1}).ok() &&
                       !Op::check({.m = 1, .n = 8, .k = 4, .ldx = 4, .ldy = 7}).ok() &&
                       !Op::check({.m = 1, .n = 8, .k = 4, .ldx = 3, .ldy = 8}).ok();
  const bool sums = cpu::is_one_chain<Op>(1, 3, 1) && cpu::is_one_chain<Op>(2, 70, 33) &&
                    cpu::is_one_chain<Op>(17, 5, 1055) && cpu::keeps_nan_and_infinity_apart<Op>();
  return harness::verify_main(
      "gemm_bf16", refused && sums && cpu::chooses_bf16<Op>({.m = 64, .n = 64, .k = 64}));
}
