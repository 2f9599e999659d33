// Private to this folder: the entry points that variants.cpp puts in the table.
#pragma once
#include "nibble/ops/dual_gemm_fp8_bf16/dual_gemm_fp8_bf16.h"

namespace nibble::dual_gemm_fp8_bf16 {

void portable(const Args&, const Exec&);
void avx2(const Args&, const Exec&);
void avx512_vbmi(const Args&, const Exec&);
void avx512_bf16(const Args&, const Exec&);

}  // namespace nibble::dual_gemm_fp8_bf16
