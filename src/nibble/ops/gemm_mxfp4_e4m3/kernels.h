// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/gemm_mxfp4_e4m3/gemm_mxfp4_e4m3.h"

namespace nibble::gemm_mxfp4_e4m3 {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512_fma(const Args&, const Exec&);
void avx512_bf16(const Args&, const Exec&);

// Rows of activations that are put in a kernel's order at a time.
inline constexpr int64_t kRowsPerTask = 16;

NIBBLE_HD inline cpu::Fp4Chains chains_of(const Args& a) {
  return {.m = a.m,
          .n = a.n,
          .k = a.k,
          .w = a.w,
          .w_scale = a.w_scale,
          .x_blocks = a.x_blocks,
          .x = a.packed_x,
          .ldx = padded_k(a.k),
          .y = a.y,
          .ldy = a.ldy};
}
// A row's scales, one for each block of w.
NIBBLE_HD inline void spread_scales(const Args& a, int64_t i) {
  float* to = a.x_blocks + i * padded_k(a.k) / kBlock;
  for (int64_t b = 0; b < padded_k(a.k) / kBlock; ++b)
    to[b] = b * kBlock < a.k ? to_float(a.x_scale[i * a.x_scales() + b * kBlock / a.x_block]) : 0;
}

}  // namespace nibble::gemm_mxfp4_e4m3
