#include "nibble/cpu/fp8_product_checks.h"
#include "nibble/harness/grouped_checks.h"
#include "nibble/harness/verify.h"
#include "nibble/ops/grouped_gemm_fp8_bf16/cases.h"

using namespace nibble;
using namespace nibble::grouped_gemm_fp8_bf16;

int main() {
  return harness::verify_main("grouped_gemm_fp8_bf16",
                              harness::refuses_groups<Op>(kLayout.bytes(1, 64)) &&
                                  harness::tells_offsets(check_offsets) && cpu::fp8_chooses<Op>());
}
