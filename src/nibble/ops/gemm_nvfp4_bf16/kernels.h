// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/gemm_nvfp4_bf16/gemm_nvfp4_bf16.h"

namespace nibble::gemm_nvfp4_bf16 {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512_fma(const Args&, const Exec&);
void avx512_bf16(const Args&, const Exec&);

// Rows of activations that are put in a kernel's order at a time.
inline constexpr int64_t kRowsPerTask = 16;

inline cpu::Fp4Chains chains_of(const Args& a) {
  return {.m = a.m,
          .n = a.n,
          .k = a.k,
          .w = a.w,
          .w_scale = a.w_scale,
          .x = a.packed_x,
          .ldx = padded_k(a.k),
          .y = a.y,
          .ldy = a.ldy};
}

}  // namespace nibble::gemm_nvfp4_bf16
