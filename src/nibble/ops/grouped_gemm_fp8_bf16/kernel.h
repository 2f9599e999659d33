// Compiled once per ISA: run(product, scales, exec) is that of gemm_fp8_bf16.
#pragma once
#include "nibble/cpu/groups.h"
#include "nibble/ops/grouped_gemm_fp8_bf16/kernels.h"

namespace nibble::grouped_gemm_fp8_bf16 {
namespace {

template <class Run>
void groups(const Args& a, const Exec& e, Run&& run) {
  const int64_t factors = cpu::fp8_factors(a.w_factors, a.n, cpu::kFp8Block, a.k);
  cpu::each_group(a, factors, scratch_bytes(1, a.k), e, [&](const Args& one, const Exec& here) {
    cpu::Fp8Scales s;
    s.set_w(one.w_factors, one.w_scale);
    run(one, s, here);
  });
}

}  // namespace
}  // namespace nibble::grouped_gemm_fp8_bf16
