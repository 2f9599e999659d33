#include "nibble/cpu/dense_grouped_checks.h"
#include "nibble/harness/verify.h"
#include "nibble/numerics/grouped_checks.h"
#include "nibble/ops/gemm_f32/gemm_f32.h"
#include "nibble/ops/grouped_gemm_f32/grouped_gemm_f32.h"

using namespace nibble;
using namespace nibble::grouped_gemm_f32;

int main() {
  const bool sums = cpu::is_a_product_of_each_group<Op, gemm_f32::Op>(70, 33) &&
                    cpu::is_a_product_of_each_group<Op, gemm_f32::Op>(5, 1055);
  return harness::verify_main(
      "grouped_gemm_f32",
      refuses_groups<Op>(kLayout.elements(1, 64), kDensePanel) && tells_offsets(check_offsets) &&
          sums &&
          chooses_by_isa<Op>({.groups = 2, .m = 64, .n = 64, .k = 64}, "avx512", Isa::avx512));
}
