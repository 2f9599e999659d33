#include "nibble/cpu/fp8_product_checks.h"
#include "nibble/harness/verify.h"
#include "nibble/ops/gemm_fp8_bf16/cases.h"

using namespace nibble;
using namespace nibble::gemm_fp8_bf16;

int main() {
  const bool near =
      cpu::fp8_order_is_near_exact<Op>(+[](Random& rng) { return to_bf16(rng.uniform(-1, 1)); });
  return harness::verify_main("gemm_fp8_bf16",
                              cpu::fp8_refuses<Op>() && cpu::fp8_chooses<Op>() && near);
}
