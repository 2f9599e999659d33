// Activations as floats, for kernels compiled for AVX2 or AVX-512.
#pragma once
#include "nibble/cpu/narrow16.h"
#include "nibble/ops/gemm_nvfp4_bf16/kernels.h"

namespace nibble::gemm_nvfp4_bf16 {
namespace {

// A row in order, times `factor`, a power of two; what is too small to count as 0.
inline void pack_row(const Args& a, int64_t i, float factor) {
  const bf16* x = a.x + i * a.ldx;
  float* to = a.packed_x + i * padded_k(a.k);
  const cpu::I16 least = cpu::bits(cpu::splat(cpu::kChainLeast)), zero = cpu::splat(0);
  int64_t k = 0;
  for (; k < a.k; k += 16) {
    const cpu::F16 v = cpu::load(x + k);
    const cpu::I16 kept = cpu::select(cpu::greater(least, cpu::magnitude(v)), zero, cpu::bits(v));
    cpu::store(to + k, cpu::floats(kept) * cpu::splat(factor));
  }
  for (; k < padded_k(a.k); k += 16) cpu::store(to + k, cpu::splat(0.0f));
}
inline void pack(const Args& a, const Exec& e, float factor) {
  parallel_for(e.pool, a.m, kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) pack_row(a, i, factor);
  });
}

}  // namespace
}  // namespace nibble::gemm_nvfp4_bf16
