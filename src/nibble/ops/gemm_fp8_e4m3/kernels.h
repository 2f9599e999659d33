// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/gemm_fp8_e4m3/gemm_fp8_e4m3.h"

namespace nibble::gemm_fp8_e4m3 {

inline constexpr auto scales_of = [](const Args& a) {
  cpu::Fp8Scales s;
  s.set_w(a.w_factors, a.w_scale);
  s.set_x(a.x_factors, a.x_scale);
  return s;
};

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512_vbmi(const Args&, const Exec&);
void avx512_bf16(const Args&, const Exec&);

}  // namespace nibble::gemm_fp8_e4m3
