#include "nibble/cpu/fp8_product_reference.h"
#include "nibble/ops/grouped_gemm_fp8_bf16/grouped_gemm_fp8_bf16.h"

namespace nibble::grouped_gemm_fp8_bf16 {

Status Op::check(const Args& a) { return cpu::fp8_check<Op>(a); }
Status check_offsets(const Args& a) { return offsets_check("grouped_gemm_fp8_bf16", a); }
void Op::buffers(Args& a, BufferVisitor& v) { cpu::fp8_buffers(a, v); }
Work Op::work(const Args& a) {
  return {.ops = 2 * a.m * a.n * a.k,
          .bytes = groups_read(a) * kLayout.bytes(a.n, a.k) + 2 * a.m * a.k + 4 * a.m * a.n,
          .arithmetic = Arithmetic::bf16};
}
void Op::reference(const Args& a) {
  const int64_t factors = cpu::fp8_factors(a.w_factors, a.n, cpu::kFp8Block, a.k);
  for (int g = 0; g < a.groups; ++g)
    if (a.offsets[g] < a.offsets[g + 1])
      cpu::fp8_reference(cpu::group_of(a, g, factors), cpu::fp8_bf16_number);
}

}  // namespace nibble::grouped_gemm_fp8_bf16
