#include "nibble/cpu/dense_grouped_checks.h"
#include "nibble/harness/verify.h"
#include "nibble/numerics/grouped_checks.h"
#include "nibble/ops/gemm_fp16/gemm_fp16.h"
#include "nibble/ops/grouped_gemm_fp16/grouped_gemm_fp16.h"

using namespace nibble;
using namespace nibble::grouped_gemm_fp16;

int main() {
  const bool sums = cpu::is_a_product_of_each_group<Op, gemm_fp16::Op>(70, 33) &&
                    cpu::is_a_product_of_each_group<Op, gemm_fp16::Op>(5, 1055);
  return harness::verify_main(
      "grouped_gemm_fp16",
      refuses_groups<Op>(kLayout.elements(1, 64), kDensePanel) && tells_offsets(check_offsets) &&
          sums &&
          chooses_by_isa<Op>({.groups = 2, .m = 64, .n = 64, .k = 64}, "avx512", Isa::avx512));
}
